// The proof that the server answers during training: the app is its own client, over the loopback interface.
import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

extension TrainAndServe {
  /// Asks one puzzle at `port` of this machine and prints what the server says.
  static func ask(_ port: Int) async throws {
    let address = "http://127.0.0.1:\(port)/v1/chat/completions"
    print("serving on \(address)")
    guard let url = URL(string: address) else { return }
    var request = URLRequest(url: url)
    request.httpMethod = "POST"
    request.httpBody = Data(
      #"{"messages": [{"role": "user", "content": "Ann says Bob is a knave . Bob says Ann is my kind"}]}"#.utf8)
    let (reply, _) = try await URLSession.shared.data(for: request)
    print("answered while training: \(String(decoding: reply, as: UTF8.self))", terminator: "")
  }
}
