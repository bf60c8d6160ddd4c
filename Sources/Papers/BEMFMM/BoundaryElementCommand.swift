import ArgumentParser

/// Electrostatics of the user's own molecules by boundary elements.
public struct BoundaryElementCommand: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "bem-fmm", abstract: "Solvation and binding energies of molecules in salt water by boundary elements.",
    discussion: """
      Molecules come as PQR files, surfaces are made here or read from meshes:

        ./pinion bem-fmm mesh make lysozyme.pqr --out lysozyme.ply
      """,
    subcommands: [Mesh.self])

  public init() {}
}
