import Foundation
import Kernels
import Lab
import Synchronization

/// Doubles on a border of 64 bytes that threads share by agreement on who writes where.
final class SharedDoubles: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Double>
  let count: Int

  /// - Parameter isZero: whether they're zero at first; else they're to be written before they're read.
  init(_ count: Int, isZero: Bool = true) {
    self.count = count
    let bytes = max(64, (count * 8 + 63) / 64 * 64)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    if isZero { memset(memory, 0, bytes) }
    pointer = memory.bindMemory(to: Double.self, capacity: max(count, 8))
  }

  convenience init(_ values: [Double]) {
    self.init(values.count)
    values.withUnsafeBufferPointer { if let base = $0.baseAddress { pointer.update(from: base, count: values.count) } }
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  /// Makes all zero.
  func clear() { memset(pointer, 0, count * 8) }

  /// A copy of some of the numbers.
  func array(_ range: Range<Int>) -> [Double] {
    Array(UnsafeBufferPointer(start: pointer + range.lowerBound, count: range.count))
  }

  var array: [Double] { array(0..<count) }

  subscript(_ place: Int) -> Double { pointer[place] }
}

/// Calls `body` for pieces of 0..<count on all CPUs; pieces are of at most `grain`, taken in order.
///
/// What a piece computes must not depend on the thread; then results are the same for any number of threads.
func concurrently(_ count: Int, grain: Int = 1, _ body: @Sendable (Range<Int>) -> Void) {
  let pieces = (count + grain - 1) / grain
  let workers = min(Threads.available, pieces)
  guard workers > 1 else {
    for piece in 0..<pieces { body(piece * grain..<min(count, (piece + 1) * grain)) }
    return
  }
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: workers) { _ in
    while true {
      let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard piece < pieces else { return }
      body(piece * grain..<min(count, (piece + 1) * grain))
    }
  }
}

/// The instruction set of the hot loops.
public enum HotLoops {
  /// Bits of the vectors they use here: 512, 256 or 128.
  public static var vectorBits: Int { Int(kernels_vector_bits()) }
}

extension PairWeights {
  var c: kernels_pair_weights {
    kernels_pair_weights(
      laplace: (laplace.x, laplace.y, laplace.z, laplace.w), yukawa: (yukawa.x, yukawa.y, yukawa.z, yukawa.w),
      kappa: inverseLength)
  }
}

extension kernels_point_targets {
  /// Where a kernel's potential, part 0, or a component of its gradient, 1...3, is added.
  mutating func set(_ part: Int, _ kernel: GreensFunction, _ values: UnsafeMutablePointer<Double>) {
    let path: WritableKeyPath<Self, UnsafeMutablePointer<Double>?>
    switch (part, kernel) {
    case (0, .laplace): path = \.laplace.0
    case (1, .laplace): path = \.laplace.1
    case (2, .laplace): path = \.laplace.2
    case (_, .laplace): path = \.laplace.3
    case (0, _): path = \.yukawa.0
    case (1, _): path = \.yukawa.1
    case (2, _): path = \.yukawa.2
    default: path = \.yukawa.3
    }
    self[keyPath: path] = values
  }
}
