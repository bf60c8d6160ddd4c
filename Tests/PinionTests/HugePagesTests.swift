import Foundation
import Glibc
import Pinion
import Testing

@Suite struct HugePagesTests {
  /// Flags of the mapping that an address lies in, as the kernel lists them.
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

  @Test func largeBlocksAskForHugePages() throws {
    let isThere = FileManager.default.fileExists(atPath: "/sys/kernel/mm/transparent_hugepage")
    for (size, isLarge) in [(16 << 20, true), (64 << 10, false)] {
      var block: UnsafeMutableRawPointer?
      #expect(posix_memalign(&block, 256, size) == 0)
      let memory = try #require(block)
      defer { free(memory) }
      #expect(UInt(bitPattern: memory) % 256 == 0)
      memset(memory, 1, size)
      if isThere {
        let found = try flags(of: UInt(bitPattern: memory) + UInt(size / 2))
        #expect(found.contains("hg") == isLarge, "\(size) bytes: \(found)")
      }
    }
  }

  @Test func refusesAsTheLibraryDoes() {
    var block: UnsafeMutableRawPointer?
    for alignment in [0, 3, 4, 24] { #expect(posix_memalign(&block, alignment, 8) == EINVAL) }
    #expect(posix_memalign(&block, 64, Int.max) == ENOMEM)
    #expect(block == nil)
  }
}
