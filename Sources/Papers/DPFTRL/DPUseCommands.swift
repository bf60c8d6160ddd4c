import ArgumentParser
import Formats
import Foundation
import Lab
import Pinion

extension DPFTRLCommand {
  struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Name the classes of pictures, or of the rows of a table.")

    @Option(help: .init("Network that `train` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: "Classes to name for each picture, the likeliest first.")
    var top = 3
    @Option(help: .init("File for the classes of a table's rows; they are printed without it.", valueName: "file.csv"))
    var out: String?
    @Argument(help: "PNG or JPEG files; one table (.csv) for networks of numbers.")
    var files: [String]

    func validate() throws {
      if top < 1 { throw ValidationError("--top \(top): expected at least 1") }
    }

    func run() throws {
      let file = try PrivateModelFile(path: model)
      switch file.network.data {
      case .pictures(let side, let channels):
        if out != nil { throw UsageError("--out is for the rows of a table") }
        try show(file, side, channels)
      case .numbers(let columns, _, _):
        guard files.count == 1 else { throw UsageError("\(model): takes one table (.csv)") }
        let table = try CSV(path: files[0])
        let scores = try file.probabilities(try PrivateDataFiles.rows(table, columns, files[0]))
        let k = file.classNames.count
        let rows = table.rows.indices.map { row -> [String] in
          let mine = scores[(row * k)..<((row + 1) * k)]
          let best = mine.indices.max { mine[$0] < mine[$1] } ?? row * k
          return [file.classNames[best - row * k], String(format: "%.4f", mine[best])]
        }
        let result = CSV(header: ["class", "probability"], rows: rows)
        guard let out else {
          print(result.text.replacingOccurrences(of: "\r\n", with: "\n"), terminator: "")
          return
        }
        try result.write(to: out)
        print("wrote \(out)")
      }
    }

    private func show(_ file: PrivateModelFile, _ side: Int, _ channels: Int) throws {
      let reader = ImageFolder(side: side, channels: channels)
      let bytes = try files.flatMap { try reader.image($0).bytes }
      let scores = try file.probabilities(
        Tensor(bytes: bytes, shape: [files.count, side, side, channels], dtype: .uint8))
      let k = file.classNames.count
      for (i, picture) in files.enumerated() {
        let mine = Array(scores[(i * k)..<((i + 1) * k)])
        let best = mine.indices.sorted { mine[$0] > mine[$1] }.prefix(top)
        let named = best.map { "\(file.classNames[$0]) \(String(format: "%.1f", mine[$0] * 100)) %" }
        print("\(picture): \(named.joined(separator: ", "))")
      }
    }
  }

  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure accuracy on labelled data.")

    @Option(help: .init("Network that `train` wrote.", valueName: "file.safetensors"))
    var model: String
    @Option(help: .init("Labelled data, of the classes that it was trained on.", valueName: "path"))
    var data: String
    @Option(help: "Column of a table that has the class; the last without it.")
    var label: String?

    func run() throws {
      let file = try PrivateModelFile(path: model)
      let (rows, labels, names) = try examples(file)
      let places = Dictionary(uniqueKeysWithValues: file.classNames.enumerated().map { ($1, $0) })
      if let strange = names.first(where: { places[$0] == nil }) {
        throw UsageError(
          "\(data): has the class \(strange), the network knows \(Format.fit(file.classNames.joined(separator: ", "), to: 100))"
        )
      }
      let scores = try file.probabilities(rows)
      let k = file.classNames.count
      let right = labels.enumerated().count { i, label in
        let mine = scores[(i * k)..<((i + 1) * k)]
        return (mine.indices.max { mine[$0] < mine[$1] } ?? -1) - i * k == places[names[Int(label)]]
      }
      print("examples  \(labels.count)")
      print("accuracy  \(String(format: "%.2f %%", 100 * Double(right) / Double(labels.count)))")
      if let guarantee = file.guarantee { print("privacy   \(guarantee.standardForm)") }
    }

    private func examples(_ file: PrivateModelFile) throws -> (rows: Tensor, labels: [Int32], names: [String]) {
      var files = PrivateDataFiles(label: label)
      switch file.network.data {
      case .pictures(let side, let channels): (files.side, files.channels) = (side, channels)
      case .numbers(let columns, _, _):
        if data.lowercased().hasSuffix(".csv") {
          let table = try CSV(path: data)
          guard let name = label ?? table.header?.last(where: { !columns.contains($0) }) else {
            throw FormatError(data, "has no column of classes")
          }
          let classes = try table.column(name)
          let names = Set(classes).sorted()
          let places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
          return (try PrivateDataFiles.rows(table, columns, data), classes.compactMap { places[$0] }, names)
        }
      }
      let (train, test) = try files.load(data)
      let part = test ?? train
      guard part.kind.size == file.network.data.size else {
        throw UsageError("\(data): rows have \(part.kind.size) numbers, the network takes \(file.network.data.size)")
      }
      return (part.rows, part.labels, part.classNames)
    }
  }

  struct Statement: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the privacy statement of a trained network.")

    @Option(help: .init("Network that `train` wrote.", valueName: "file.safetensors"))
    var model: String

    func run() throws {
      for line in try PrivateModelFile(path: model).statement { print(line) }
    }
  }
}
