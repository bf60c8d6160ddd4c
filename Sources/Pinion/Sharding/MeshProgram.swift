import PJRT

/// An executable, and for several devices where its arguments and results lie.
struct CompiledProgram: Sendable {
  let executable: Executable
  let layout: MeshLayout?
}

/// Where the arguments and results of a program of several devices lie.
struct MeshLayout: Sendable {
  let mesh: Mesh
  let arguments: [Sharding]
  let results: [Sharding]
}

extension Backend {
  /// Compiles a program for the devices of a mesh. Where results lie is the compiler's choice, and read from what it
  /// made.
  func compile(_ text: ProgramText, on mesh: Mesh) throws -> CompiledProgram {
    let options = CompileOptions(partitions: mesh.deviceCount, settings: options.settings)
    let ranks = text.results.map(\.type.rank)
    func compiled(_ replicated: Set<Int>) throws -> (Executable, [Sharding?]) {
      let executable = try compile(text.module(replicated: replicated), options)
      return (executable, CompilerShardings.results(of: try executable.optimizedProgram(), on: mesh, ranks: ranks))
    }
    var (executable, found) = try compiled([])
    // Layouts that the mesh's axes can't name are rare, and not worth a language of their own.
    let nameless = Set(found.indices.filter { found[$0] == nil })
    if !nameless.isEmpty { (executable, found) = try compiled(nameless) }
    let results = zip(found, ranks).map { $0 ?? Sharding(replicatedOn: mesh, rank: $1) }
    return CompiledProgram(
      executable: executable, layout: MeshLayout(mesh: mesh, arguments: text.shardings, results: results))
  }
}

extension CompiledProgram {
  /// Runs the program on the devices of its mesh.
  func run(
    _ arguments: [ShardedArray], _ layout: MeshLayout, keeping: [Int] = [], on backend: Backend
  ) throws -> [ShardedArray] {
    let results = try Trace.span(.execute, "\(layout.mesh.deviceCount) devices") {
      try backend.launch.withLock { _ in
        try executable.execute(arguments.map(\.buffers), devices: layout.mesh.deviceCount, keeping: keeping)
      }
    }
    return zip(layout.results, results).map { ShardedArray($0, $1) }
  }
}
