import Formats
import Foundation
import Lab

/// Molecules as PQR: a line `ATOM` or `HETATM` for each atom, whose last five fields are x, y, z, charge and radius.
public enum PQRFile {
  /// Atoms of a file.
  ///
  /// Fields are separated by spaces; where coordinates are glued together, as `-10.123-100.456`, they're taken apart by
  /// PDB's columns, and else by their signs.
  ///
  /// - Throws: `FormatError` with file, line and what was expected.
  public static func read(_ path: String) throws -> [PointCharge] {
    try atoms(File.read(path, limit: 1 << 32), path)
  }

  static func atoms(_ bytes: [UInt8], _ path: String) throws -> [PointCharge] {
    var atoms: [PointCharge] = []
    var number = 0
    for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
      number += 1
      guard line.starts(with: "ATOM".utf8) || line.starts(with: "HETATM".utf8) else { continue }
      let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespaces)
      guard let values = values(text) else {
        throw FormatError(
          "\(path):\(number)", "expected x, y, z, charge and radius as the last five fields, found '\(text.suffix(60))'"
        )
      }
      guard values.allSatisfy({ $0.isFinite && abs($0) < 1e6 }) else {
        throw FormatError("\(path):\(number)", "a number isn't finite or is beyond 1e6: '\(text.suffix(60))'")
      }
      guard (0...100).contains(values[4]) else {
        throw FormatError("\(path):\(number)", "the radius is \(values[4]) Å, expected 0 to 100")
      }
      atoms.append(
        PointCharge(position: SIMD3(values[0], values[1], values[2]), charge: values[3], radius: values[4]))
    }
    guard !atoms.isEmpty else { throw FormatError(path, "has no line that begins with ATOM or HETATM") }
    return atoms
  }

  private static func values(_ text: String) -> [Double]? {
    let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
    let last = fields.suffix(5).compactMap { Double($0) }
    // Names, numbers of residues and chains come before: five fields alone would be too few.
    if fields.count >= 6, last.count == 5 { return last }
    return columns(text) ?? unglued(text)
  }

  /// PDB's columns: coordinates in 31-54, three of eight characters, then charge and radius.
  private static func columns(_ text: String) -> [Double]? {
    let bytes = Array(text.utf8)
    guard bytes.count > 54 else { return nil }
    func part(_ range: Range<Int>) -> Double? {
      let field = bytes[range].filter { $0 != 32 }
      // Each has its decimal point, so that a shifted column isn't taken for one.
      return field.contains(46) ? Double(String(decoding: field, as: UTF8.self)) : nil
    }
    guard let x = part(30..<38), let y = part(38..<46), let z = part(46..<54),
      let rest = pair(String(decoding: bytes[54...], as: UTF8.self))
    else { return nil }
    return [x, y, z] + rest
  }

  /// Two numbers, the second maybe glued on by its sign.
  private static func pair(_ text: String) -> [Double]? {
    let values = split(text)
    return values.count >= 2 ? Array(values.prefix(2)) : nil
  }

  /// The last five numbers when a minus sign begins a number too.
  private static func unglued(_ text: String) -> [Double]? {
    let values = split(text)
    return values.count >= 5 ? Array(values.suffix(5)) : nil
  }

  /// Numbers with a decimal point at the end of a line.
  private static func split(_ text: String) -> [Double] {
    var (values, word) = ([Double](), "")
    func end() {
      guard !word.isEmpty else { return }
      if let value = Double(word), word.contains(".") { values.append(value) } else { values = [] }
      word = ""
    }
    for character in text {
      if character == " " || character == "\t" {
        end()
      } else if character == "-", let last = word.last, last != "e", last != "E" {
        end()
        word = "-"
      } else {
        word.append(character)
      }
    }
    end()
    return values
  }

  /// Writes atoms in free format, named by their number.
  ///
  /// - Throws: `FormatError` where it can't be written.
  public static func write(_ atoms: [PointCharge], to path: String) throws {
    var text = ""
    for (i, atom) in atoms.enumerated() {
      let p = atom.position
      text += String(
        format: "ATOM %6d  X   MOL %5d %11.4f %11.4f %11.4f %9.5f %8.4f\n", i + 1, 1, p.x, p.y, p.z, atom.charge,
        atom.radius)
    }
    try File.write(text, to: path)
  }
}
