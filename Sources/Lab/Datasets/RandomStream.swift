import Glibc
import Pinion

/// A key's two words on the host, for randomness outside of tensors.
struct HostKey: Hashable, Sendable {
  let high: UInt32
  let low: UInt32

  init(high: UInt32, low: UInt32) {
    self.high = high
    self.low = low
  }

  /// Reads the words of a key.
  ///
  /// - Throws: as `Tensor.array(of:)`.
  init(_ key: Key) throws {
    let words = try key.words.array(of: UInt32.self)
    guard words.count == 2 else { throw TensorError.shape("Key", "a key has two words, got \(words.count)") }
    self.init(high: words[0], low: words[1])
  }

  /// The key of a number under this key, equal to `Key.foldIn`.
  func foldIn(_ number: Int) -> HostKey {
    let (x, y) = threefry(0, UInt32(truncatingIfNeeded: number))
    return HostKey(high: x, low: y)
  }

  /// The stream of random numbers of a place, such as an example.
  func stream(_ place: Int) -> RandomStream {
    let (x, y) = threefry(UInt32(truncatingIfNeeded: place >> 32), UInt32(truncatingIfNeeded: place))
    return RandomStream(state: UInt64(x) << 32 | UInt64(y))
  }

  /// Threefry-2x32 with 20 rounds, as the keys of the array library.
  func threefry(_ a: UInt32, _ b: UInt32) -> (UInt32, UInt32) {
    let parity = high ^ low ^ 0x1BD1_1BDA
    var (x, y) = (a &+ high, b &+ low)
    func rounds(_ r0: UInt32, _ r1: UInt32, _ r2: UInt32, _ r3: UInt32) {
      x = x &+ y
      y = x ^ (y &<< r0 | y &>> (32 &- r0))
      x = x &+ y
      y = x ^ (y &<< r1 | y &>> (32 &- r1))
      x = x &+ y
      y = x ^ (y &<< r2 | y &>> (32 &- r2))
      x = x &+ y
      y = x ^ (y &<< r3 | y &>> (32 &- r3))
    }
    rounds(13, 15, 26, 6)
    (x, y) = (x &+ low, y &+ parity &+ 1)
    rounds(17, 29, 16, 24)
    (x, y) = (x &+ parity, y &+ high &+ 2)
    rounds(13, 15, 26, 6)
    (x, y) = (x &+ high, y &+ low &+ 3)
    rounds(17, 29, 16, 24)
    (x, y) = (x &+ low, y &+ parity &+ 4)
    rounds(13, 15, 26, 6)
    return (x &+ parity, y &+ high &+ 5)
  }
}

/// Random numbers in sequence (SplitMix64; Steele et al., "Fast splittable pseudorandom number generators", 2014).
struct RandomStream: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(state: UInt64) { self.state = state }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z &>> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z &>> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z &>> 31
  }

  /// A number in 0..<1.
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number in `range`.
  mutating func uniform(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// A whole number in 0..<n, n > 0.
  mutating func below(_ n: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(n)).high) }

  /// A standard normal number, by Box and Muller.
  mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// A number of the Beta distribution with both parameters `alpha` > 0.
  mutating func beta(_ alpha: Double) -> Double {
    let (x, y) = (gamma(alpha), gamma(alpha))
    // Both vanish only for a tiny alpha, whose mass is at the ends.
    return x + y > 0 ? x / (x + y) : Double(below(2))
  }

  /// A number of the Gamma distribution (Marsaglia and Tsang, 2000).
  private mutating func gamma(_ alpha: Double) -> Double {
    if alpha < 1 { return gamma(alpha + 1) * pow(1 - uniform(), 1 / alpha) }
    let d = alpha - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if log(1 - uniform()) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
    }
  }

  /// 0..<n in random order.
  mutating func permutation(_ n: Int) -> [Int] {
    var order = Array(0..<n)
    order.withUnsafeMutableBufferPointer { order in
      for i in stride(from: n - 1, to: 0, by: -1) { order.swapAt(i, below(i + 1)) }
    }
    return order
  }
}
