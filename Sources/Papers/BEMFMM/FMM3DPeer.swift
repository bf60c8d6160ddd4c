import Foundation
import Lab

/// Potentials of charges by fmm3dpy (Flatiron Institute's FMM3D) in a process of its own.
public struct FMM3DPeer: Sendable {
  public let python: String
  /// Version of fmm3dpy.
  public let version: String

  /// What a sum took.
  public struct Run: Codable, Sendable, Equatable {
    /// Best of the repetitions.
    public var seconds: Double
    /// Peak resident memory of the process over that with the points alone, in MB.
    public var megabytes: Double
    /// With the factor 1/(4π), at the places that were asked for.
    public var potentials: [Double]
  }

  /// A Python that has fmm3dpy; nil where there is none, or where `no` is named.
  ///
  /// - Throws: `UsageError` where the user named one that hasn't.
  public init?(_ named: String?) throws {
    if named == "no" { return nil }
    let wanted = named ?? "python3"
    let script = "import fmm3dpy, numpy; from importlib.metadata import version; print(version('fmm3dpy'))"
    guard let text = OtherProgram.output(of: wanted, ["-c", script], environment: Self.environment, seconds: 60),
      let version = text.split(whereSeparator: \.isNewline).last, !version.isEmpty
    else {
      if let named { throw UsageError("--set python=\(named): can't import fmm3dpy (pip install fmm3dpy)") }
      return nil
    }
    python = wanted
    self.version = String(version)
  }

  /// Which factor the package leaves out differs by version, so it is found from two charges.
  private static let script = """
    import json, sys, time
    import numpy, fmm3dpy
    eps, every, repeats = float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    values = numpy.fromfile(sys.argv[1]).reshape(-1, 4)
    places, charges = numpy.asfortranarray(values[:, :3].T), numpy.ascontiguousarray(values[:, 3])
    two = numpy.asfortranarray([[0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    unit = fmm3dpy.lfmm3d(eps=eps, sources=two, charges=numpy.ones(2), pg=1).pot[0] * 8 * numpy.pi
    def memory(name):
        lines = open("/proc/self/status").read().splitlines()
        return [int(line.split()[1]) / 1024 for line in lines if line.startswith(name)][0]
    before, best = memory("VmRSS:"), float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        found = fmm3dpy.lfmm3d(eps=eps, sources=places, charges=charges, pg=1)
        best = min(best, time.perf_counter() - start)
    print(json.dumps({"seconds": best, "megabytes": memory("VmHWM:") - before, "potentials": (found.pot[::every] / unit).tolist()}))
    """

  /// Potentials at every so many of the sources; nil where it takes longer than allowed, or fails.
  ///
  /// - Parameters:
  ///   - precision: the relative error that is asked of it.
  ///   - every: step between the places whose potentials are given back.
  ///   - seconds: most time for all.
  public func potentials(
    of charges: [Double], at places: [SIMD3<Double>], precision: Double, every: Int, repeats: Int = 2, folder: URL,
    seconds: Int
  ) throws -> Run? {
    let file = folder.appending(path: "charges-\(places.count).f64")
    defer { try? FileManager.default.removeItem(at: file) }
    let rows = zip(places, charges).flatMap { [$0.x, $0.y, $0.z, $1] }
    try rows.withUnsafeBytes { try Data($0).write(to: file) }
    guard
      let text = OtherProgram.output(
        of: python, ["-c", Self.script, file.path, "\(precision)", "\(max(1, every))", "\(max(1, repeats))"],
        environment: Self.environment, seconds: seconds)
    else { return nil }
    return try? JSONDecoder().decode(Run.self, from: Data(text.utf8))
  }

  private static var environment: [String: String] { ["OMP_NUM_THREADS": "\(Threads.available)"] }
}
