// What a GGUF file holds in which form: `fathom describe FILE.gguf`.
import GGUF

/// Tensors and bytes of every stored form, the largest share first.
struct StoredForms: Encodable {
  struct Share: Encodable {
    let form: String
    var tensors: Int
    var bytes: Int
  }
  let architecture: String
  let parts: Int
  let bytes: Int
  let shares: [Share]

  init(_ file: GGUFFile) throws {
    var shares: [String: Share] = [:]
    for tensor in file.tensors {
      shares[tensor.type.name, default: Share(form: tensor.type.name, tensors: 0, bytes: 0)].tensors += 1
      shares[tensor.type.name]?.bytes += tensor.byteRange.count
    }
    architecture = try file.text("general.architecture")
    parts = file.partPaths.count
    bytes = shares.values.reduce(0) { $0 + $1.bytes }
    self.shares = shares.values.sorted { $0.bytes != $1.bytes ? $0.bytes > $1.bytes : $0.form < $1.form }
  }

  func add(to table: inout TextTable) {
    table.add("GGUF", architecture, parts == 1 ? "" : "in \(parts) parts")
    table.add("weights as stored", Figures.grouped(bytes), Figures.bytes(bytes))
    for share in shares {
      table.add(
        "… \(share.form)", Figures.grouped(share.bytes), "\(share.tensors) tensor\(share.tensors == 1 ? "" : "s")")
    }
  }
}
