// `fathom bench kernels`: our matrix products beside those of OpenBLAS, in one process.
import ArgumentParser
import BlockFormats
import COpenBLAS
import CPUBackend

struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "Measures matrix products in GFLOP/s, ours and OpenBLAS's.",
    discussion: "'packed' has the weight in the kernels' layout already, as a layer has it between two updates; "
      + "'bfloat16' is the same with both factors rounded to bfloat16; "
      + "'whole' packs it every time, as OpenBLAS does. The ratio is packed over OpenBLAS. With --against torch's "
      + "products take their turns too, in a process of their own. A second table has products with weights in "
      + "quantised blocks, in GOP/s and in GB/s of weights read; each reads another weight than the one before.")

  @Option(help: ArgumentHelp(BenchPeer.help, valueName: "python"))
  var against: String?
  @OptionGroup var output: ResultOptions
  @OptionGroup var compute: ComputeOptions

  /// What `--json` prints: rates in GFLOP/s.
  private struct Summary: Encodable {
    struct Product: Encodable {
      let m, k, n: Int
      let packed, bfloat16, whole, openblas, ratio: Double
      /// Nil without a peer, as is packed over torch.
      let torch, torchRatio: Double?
    }
    struct Blocks: Encodable {
      let format: String
      let m, k, n: Int
      let gigaOperations, gigabytes: Double
    }
    let isa: String
    /// Whether the processor has an instruction for products of bfloat16.
    let hasBFloat16: Bool
    let threads: Int
    /// The machine's load before the first product.
    let load: Double
    var products: [Product] = []
    var quantised: [Blocks] = []
  }

  func run() throws {
    let parts = try compute.parts()
    let backend = CPUBackend(threads: parts.threads)
    // The backend has set it to one thread; the products that it leaves to OpenBLAS are not among these.
    openblas_set_num_threads(Int32(parts.threads))
    let (progress, load) = (TerminalProgress(), BenchLoad())
    defer { progress.clear() }
    load.warn(progress)
    var summary = Summary(
      isa: InstructionSet.best.rawValue, hasBFloat16: InstructionSet.best.hasBFloat16Products, threads: parts.threads,
      load: load.average)
    for (index, product) in BenchProduct.all.enumerated() {
      let rates = try product.rates(on: backend, against: against)
      summary.products.append(
        Summary.Product(
          m: product.m, k: product.k, n: product.n, packed: rounded(rates.packed), bfloat16: rounded(rates.bfloat16),
          whole: rounded(rates.whole), openblas: rounded(rates.openBLAS),
          ratio: rounded(rates.packed / rates.openBLAS, to: 1000), torch: rates.torch.map { rounded($0) },
          torchRatio: rates.torch.map { rounded(rates.packed / $0, to: 1000) }))
      progress.report(
        stage: "bench", done: index + 1, of: BenchProduct.all.count, unit: "product", detail: "")
    }
    for (index, product) in BenchBlockProduct.all.enumerated() {
      for rate in try product.rates(on: backend) {
        summary.quantised.append(
          Summary.Blocks(
            format: product.format.rawValue, m: rate.rows, k: product.k, n: product.n,
            gigaOperations: rounded(rate.operations), gigabytes: rounded(rate.bytes)))
      }
      backend.releaseUnusedMemory()
      progress.report(stage: "bench", done: index + 1, of: BenchBlockProduct.all.count, unit: "weight", detail: "")
    }
    progress.clear()
    try output.print(summary, text: text(summary))
  }

  private func text(_ summary: Summary) -> String {
    var table = TextTable(
      .left("m × k × n"), .right("packed"), .right("bfloat16"), .right("whole"), .right("OpenBLAS"), .right("ratio"),
      .right(against == nil ? "" : "torch"), .right(against == nil ? "" : "ratio"))
    for product in summary.products {
      table.add(
        "\(product.m) × \(product.k) × \(product.n)", Figures.short(product.packed), Figures.short(product.bfloat16),
        Figures.short(product.whole), Figures.short(product.openblas), Figures.short(product.ratio),
        product.torch.map { Figures.short($0) } ?? "", product.torchRatio.map { Figures.short($0) } ?? "")
    }
    let threads = "\(summary.threads) thread\(summary.threads == 1 ? "" : "s")"
    let bfloat16 = summary.hasBFloat16 ? "with bfloat16 instructions" : "without bfloat16 instructions"
    var blocks = TextTable(.left("blocks"), .left("m × k × n"), .right("GOP/s"), .right("GB/s"))
    for product in summary.quantised {
      blocks.add(
        product.format, "\(product.m) × \(product.k) × \(product.n)", Figures.short(product.gigaOperations),
        Figures.short(product.gigabytes))
    }
    return "GFLOP/s, \(summary.isa) \(bfloat16), \(threads)\n\n\(table.text)\n\(blocks.text)"
  }

  private func rounded(_ value: Double, to parts: Double = 10) -> Double { (value * parts).rounded() / parts }
}
