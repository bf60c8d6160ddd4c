/// Programs that check themselves: their inputs and what they should compute stand in the text as constants.
///
/// Of the form of StableHLO's own test data: `@main` calls `@inputs` and `@expected`, and compares.
package struct GoldenProgram {
  /// What to do with each program beside running it.
  package struct Options: Sendable {
    package var roundtrip = false
    package var vmap = false
    package var grad = false
    package init() {}
  }

  /// How one examination of one program ended.
  package enum Verdict: Hashable, Sendable, Codable {
    case right
    /// Why not, in a word or two, and what was found.
    case wrong(cause: String, message: String)
    /// Why there is nothing to examine.
    case skipped(String)
  }

  /// What was found of one module.
  package struct Report: Sendable, Codable {
    /// File, and the number of the module where the file has several.
    package let name: String
    /// `run`, `types`, `roundtrip`, `vmap`, `grad`.
    package var verdicts: [String: Verdict] = [:]

    package init(name: String) { self.name = name }

    /// Of a file that could not be examined.
    package init(name: String, cause: String, message: String) {
      self.name = name
      verdicts["run"] = .wrong(cause: cause, message: message)
    }
  }

  let module: StableHLOModule
  let function: String

  /// Examines all modules of a file. One whose text has `expected-error` must be refused, its neighbours must not.
  package static func examine(_ bytes: [UInt8], file: String, _ options: Options) -> [Report] {
    let sections = StableHLOModule.sections(of: bytes)
    let mark = Array("expected-error".utf8)
    let isAboutTypes = contains(bytes[...], mark)
    return sections.enumerated().compactMap { number, range in
      var report = Report(name: sections.count > 1 ? "\(file)#\(number + 1)" : file)
      if isAboutTypes {
        guard contains(bytes[range], Array("func".utf8)) else { return nil }
        report.verdicts["types"] = types(bytes, file: file, range, isWrong: contains(bytes[range], mark))
        return report
      }
      do {
        var parser = MLIRParser(bytes, file: file, range: range)
        let functions = try parser.module()
        guard !functions.isEmpty else { return nil }
        let module = StableHLOModule(functions: functions, scanner: parser.scanner)
        let main = functions.first { $0.name == "main" }
        let entries = main.map { [$0] } ?? functions.filter { $0.arguments.isEmpty && $0.body != nil }
        for entry in entries {
          GoldenProgram(module: module, function: entry.name).examine(entry, options, &report)
        }
      } catch {
        report.verdicts["run"] = verdict(error, "parse")
      }
      return report
    }
  }

  private static func contains(_ bytes: ArraySlice<UInt8>, _ word: [UInt8]) -> Bool {
    guard let first = word.first else { return true }
    var rest = bytes
    while let place = rest.firstIndex(of: first) {
      if rest[place...].starts(with: word) { return true }
      rest = rest[(place + 1)...]
    }
    return false
  }

  /// Whether our rules refuse a module that is wrong, or accept one that is right.
  private static func types(_ bytes: [UInt8], file: String, _ range: Range<Int>, isWrong: Bool) -> Verdict {
    // Types that tensors don't have, and sizes that only a run would tell.
    let foreign = ["quant.uniform", "?x", "x?", "<?", "tensor<*", "sparse", "bounds", "memref", "f8E", "f4E", "f6E"]
    if let word = foreign.first(where: { contains(bytes[range], Array($0.utf8)) }) {
      return .skipped("'\(word)' has no place in our types")
    }
    do {
      var parser = MLIRParser(bytes, file: file, range: range)
      let functions = try parser.module()
      let module = StableHLOModule(functions: functions, scanner: parser.scanner)
      for function in functions where function.body != nil {
        let reader = GraphReader(functions, scanner: parser.scanner)
        let types = try function.arguments.map { try reader.tensorType($0.type, at: function.place) }
        let scope = Region.Scope(types)
        let results = try module.run(scope.placeholders, function: function.name).results
        for result in results { if let failure = result.failure { throw failure } }
      }
      return isWrong ? .wrong(cause: "accepted", message: "a module that should be refused was accepted") : .right
    } catch {
      if let error = error as? StableHLOError, error.isUnsupported { return .skipped("not supported") }
      return isWrong ? .right : verdict(error, "refused")
    }
  }

  /// The verdict of an error, by its kind.
  static func verdict(_ error: any Error, _ cause: String) -> Verdict {
    let message = "\(error)".split(separator: "\n").first.map(String.init) ?? "\(error)"
    var cause = cause
    if let error = error as? StableHLOError {
      cause = error.isUnsupported ? "not supported" : cause
    } else if let error = error as? TensorError {
      cause = error.kind == .unsupported ? "not supported" : cause
    }
    return .wrong(cause: cause, message: String(message.prefix(300)))
  }

  private func examine(_ entry: MLIRFunction, _ options: Options, _ report: inout Report) {
    func add(_ name: String, _ cause: String, _ work: () throws -> Verdict) {
      if let known = report.verdicts[name], known != .right { return }
      do { report.verdicts[name] = try work() } catch { report.verdicts[name] = Self.verdict(error, cause) }
    }
    guard entry.arguments.isEmpty else {
      report.verdicts["run"] = .skipped("the program takes arguments from outside")
      return
    }
    add("run", "build") { try check() }
    // A program that can't be built has nothing more to tell.
    if case .wrong(let cause, _)? = report.verdicts["run"], cause != "values" { return }
    if options.roundtrip { add("roundtrip", "roundtrip") { try roundtrip() } }
    let inputs: [Tensor]
    do { inputs = try self.inputs() } catch { return }
    if options.vmap { add("vmap", "vmap") { try vmap(inputs) } }
    if options.grad { add("grad", "grad") { try grad(inputs) } }
  }

  /// The program's own inputs; none where it has no function of that name.
  private func inputs() throws -> [Tensor] {
    guard module.functionNames.contains("inputs") else { return [] }
    return try module.run([], function: "inputs").results
  }

  /// Results on other inputs.
  func results(_ inputs: [Tensor], widening: Bool = false) throws -> [Tensor] {
    let (results, checks) = try module.run(
      [], function: function, given: inputs.isEmpty ? [:] : ["inputs": inputs], widening: widening)
    return results.isEmpty ? checks.map(\.actual) : results
  }

  // MARK: Examinations

  private func check() throws -> Verdict {
    let (results, checks) = try module.run([], function: function)
    guard !checks.isEmpty || !results.isEmpty else { return .skipped("the program computes nothing") }
    do { try evaluate(results + checks.flatMap { [$0.actual, $0.expected] }) } catch {
      return Self.verdict(error, "compile or run")
    }
    guard !checks.isEmpty else { return .skipped("the program compares nothing") }
    for check in checks {
      if let difference = try check.difference() {
        let place = module.scanner.error(difference, at: check.place)
        return .wrong(cause: "values", message: "\(place)")
      }
    }
    return .right
  }

  /// Our own text of the program, read again, must be the same program, or become it after one more round, and
  /// compute the same.
  private func roundtrip() throws -> Verdict {
    let inputs = try inputs()
    let (first, captured) = try Region.trace(inputs.map(\.type), .made) { try results($0) }
    let arguments = inputs + captured
    let second = try reread(first)
    if second != first {
      let third = try reread(second)
      guard third == second else {
        return .wrong(cause: "roundtrip", message: "\(module.scanner.file): the text read again is another program")
      }
    }
    let (a, b) = (try first(arguments), try second(arguments))
    try evaluate(a + b)
    for (x, y) in zip(a, b) {
      if try x.bytes() != y.bytes(), try Agreement.slices(x.dtype).difference(x, y) != nil {
        return .wrong(
          cause: "roundtrip", message: "\(module.scanner.file): the text read again computes something else")
      }
    }
    return .right
  }

  private func reread(_ region: Region) throws -> Region {
    let module = try StableHLOModule(region.program.text(isPortable: true), file: "our text")
    return try Region.trace(region.argumentTypes, .made) { try module($0) }.region
  }

  /// A batch of three: the inputs, and their elements shifted by one and by two places.
  private func vmap(_ inputs: [Tensor]) throws -> Verdict {
    guard !inputs.isEmpty else { return .skipped("no inputs") }
    let examples = try (0..<3).map { shift in try inputs.map { try $0.rotated(by: shift) } }
    let batch = inputs.indices.map { k in stack(examples.map { $0[k] }) }
    let given = batch.map { Batched(tensor: $0, axis: 0) }
    let batched = try vmapLeaves(given, size: 3) { try results($0) }.map { $0.leading(3) }
    let singles = try examples.map { try results($0) }
    try evaluate(batched + singles.flatMap { $0 })
    for (k, whole) in batched.enumerated() {
      for i in 0..<3 {
        let slice = whole.slice(axis: 0, from: i, to: i + 1).squeeze(axis: 0)
        if let difference = try Agreement.slices(whole.dtype).difference(slice, singles[i][k]) {
          return .wrong(
            cause: "vmap", message: "\(module.scanner.file): result \(k), example \(i): \(difference)")
        }
      }
    }
    return .right
  }
}

extension Tensor {
  /// Elements moved on by some places, row-major; as data of its own.
  fileprivate func rotated(by places: Int) throws -> Tensor {
    let bytes = try bytes()
    guard count > 1, places > 0 else { return Tensor(bytes: bytes, shape: shape, dtype: dtype) }
    let cut = places % count * dtype.byteCount
    return Tensor(bytes: Array(bytes[cut...] + bytes[..<cut]), shape: shape, dtype: dtype)
  }
}
