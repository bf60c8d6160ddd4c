import Foundation
import Glibc
import Pinion
import Testing

@Suite(.serialized) struct LargeBlocksTests {
  /// A size that no other test asks for.
  private let size = 16 << 20 + 12_288

  private func allocate(_ size: Int, alignment: Int = 256) throws -> UnsafeMutableRawPointer {
    var block: UnsafeMutableRawPointer?
    #expect(posix_memalign(&block, alignment, size) == 0)
    let memory = try #require(block)
    #expect(UInt(bitPattern: memory) % UInt(alignment) == 0)
    return memory
  }

  /// Flags of the mapping that an address lies in, as the kernel lists them; none where nothing is mapped.
  private func flags(of address: UInt) throws -> [Substring] {
    var isInside = false
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    for line in String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n") {
      let range = line.prefix { $0 != " " }.split(separator: "-").map { UInt($0, radix: 16) }
      if range.count == 2, let start = range[0], let end = range[1] { isInside = start <= address && address < end }
      if isInside, line.hasPrefix("VmFlags:") { return line.split(separator: " ").dropFirst().map { $0 } }
    }
    return []
  }

  @Test func askForHugePages() throws {
    let isThere = FileManager.default.fileExists(atPath: "/sys/kernel/mm/transparent_hugepage")
    for (size, isLarge) in [(size, true), (64 << 10, false)] {
      let memory = try allocate(size)
      defer { free(memory) }
      memset(memory, 1, size)
      if isThere {
        let found = try flags(of: UInt(bitPattern: memory) + UInt(size / 2))
        #expect(found.contains("hg") == isLarge, "\(size) bytes: \(found)")
      }
    }
  }

  @Test func isKeptForTheNext() throws {
    let (first, other) = (try allocate(size), try allocate(size))
    #expect(first != other)
    memset(first, 7, size)
    free(first)
    // What is hardly smaller takes it; what is larger, or much smaller, doesn't.
    let smaller = try allocate(size - 4096)
    #expect(smaller == first)
    free(smaller)
    let (larger, half) = (try allocate(size + 4096), try allocate(size / 2))
    #expect(larger != first && half != first)
    memset(larger, 1, size + 4096)
    for block in [other, larger, half] { free(block) }
    // The one freed last of those that fit as well.
    #expect(try allocate(size) == other)
    free(other)
  }

  @Test func keepsNoMoreThanAnEighthOfTheMemory() throws {
    let limit = Int(sysconf(Int32(_SC_PHYS_PAGES))) / 8 * Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = try allocate(size)
    free(first)
    #expect(try !flags(of: UInt(bitPattern: first)).isEmpty)
    // Untouched, so that no memory is taken.
    let large = try allocate(limit)
    free(large)
    #expect(try flags(of: UInt(bitPattern: first)).isEmpty)
    // More than the limit goes back at once.
    let larger = try allocate(limit + 4096)
    free(larger)
    #expect(try flags(of: UInt(bitPattern: larger)).isEmpty)
  }

  @Test func trimmingGivesThemBack() throws {
    let memory = try allocate(size)
    free(memory)
    #expect(try !flags(of: UInt(bitPattern: memory)).isEmpty)
    let symbol = try #require(dlsym(dlopen(nil, RTLD_LAZY), "malloc_trim"))
    _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
    #expect(try flags(of: UInt(bitPattern: memory)).isEmpty)
  }

  @Test func growsAsOthersDo() throws {
    let memory = try allocate(size)
    memset(memory, 9, size)
    let grown = try #require(realloc(memory, 2 * size))
    #expect(grown.load(fromByteOffset: size - 1, as: UInt8.self) == 9)
    let shrunk = try #require(realloc(grown, 100))
    #expect(shrunk.load(fromByteOffset: 99, as: UInt8.self) == 9)
    free(shrunk)
    let again = try allocate(size)
    #expect(again == memory)
    #expect(realloc(again, 0) == nil)
  }

  /// Elements of 32 bytes are aligned to as many, so that Swift takes posix_memalign and asks how much it got.
  @Test func arraysOfVectorsGrow() {
    var vectors: [SIMD3<Double>] = []
    for i in 0..<400_000 { vectors.append(SIMD3(repeating: Double(i))) }
    #expect(vectors[399_999].x == 399_999)
  }

  @Test func manyThreadsAtOnce() throws {
    let size = size
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for i in 0..<200 {
        var block: UnsafeMutableRawPointer?
        guard posix_memalign(&block, 64, size + (i % 3) * (8 << 20)) == 0, let block else {
          Issue.record("no memory")
          return
        }
        // Nobody else has it meanwhile.
        block.storeBytes(of: thread, as: Int.self)
        (block + size - 8).storeBytes(of: i, as: Int.self)
        #expect(block.load(as: Int.self) == thread && (block + size - 8).load(as: Int.self) == i)
        free(block)
      }
    }
  }

  @Test func refusesAsTheLibraryDoes() {
    var block: UnsafeMutableRawPointer?
    for alignment in [0, 3, 4, 24] { #expect(posix_memalign(&block, alignment, 8) == EINVAL) }
    for size in [Int.max, Int.max / 2] { #expect(posix_memalign(&block, 64, size) == ENOMEM) }
    #expect(block == nil)
  }
}
