import Foundation
import Synchronization

/// Progress of long work: bars on a terminal, a line now and then elsewhere, events for programs.
///
/// ```swift
/// let bar = progress.start("TNT seed 0", total: steps, unit: "step")
/// bar.advance(values: ["loss": 0.3])
/// bar.finish()
/// ```
/// A bar started while another is open is nested in it.
public final class ProgressDisplay: Sendable {
  struct Bar {
    let id: Int
    /// The bar that this one is a part of.
    let parent: Int?
    let label: String
    let total: Int?
    let unit: String
    let started: Double
    var count = 0
    /// Units that were done before this bar: part of the count, not of the work.
    var skipped = 0
    var values: [(String, Double)] = []
    /// Times and counts of the last seconds, for the rate.
    var recent: [(time: Double, count: Int)]
    var lastLine: Double
    var lastEvent = -Double.infinity

    /// Units a second over the last seconds; nil where there are none yet.
    func rate(_ time: Double) -> Double? {
      guard let first = recent.first, count > first.count, time > first.time else { return nil }
      return Double(count - first.count) / (time - first.time)
    }
  }

  private struct State {
    var bars: [Bar] = []
    var nextID = 0
    var drawnLines = 0
    var lastDraw = -1.0
    var log: (@Sendable (String) -> Void)?
  }

  /// Where text goes, and whether it can be redrawn there.
  let isTerminal: Bool
  private let colour: Bool
  private let width: @Sendable () -> Int
  private let write: @Sendable (String) -> Void
  private let now: @Sendable () -> Double
  private let events: (@Sendable (ProgressEvent) -> Void)?
  private let state = Mutex(State())

  /// Seconds between redraws of a terminal, and between lines elsewhere.
  private static let redrawInterval = 0.1
  private static let lineInterval = 15.0
  /// Seconds over which the rate is taken.
  private static let rateWindow = 15.0

  /// - Parameters:
  ///   - isTerminal: whether lines can be redrawn.
  ///   - colour: whether to colour bars.
  ///   - width: columns of the terminal.
  ///   - now: seconds on a clock that never goes back.
  ///   - events: is told what happens, one event at a time, where a program listens.
  ///   - write: takes the text.
  public init(
    isTerminal: Bool, colour: Bool = false, width: @escaping @Sendable () -> Int = { 80 },
    now: @escaping @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime },
    events: (@Sendable (ProgressEvent) -> Void)? = nil, write: @escaping @Sendable (String) -> Void
  ) {
    self.isTerminal = isTerminal
    self.colour = colour
    self.width = width
    self.now = now
    self.events = events
    self.write = write
  }

  /// Progress on standard error.
  public static func standardError() -> ProgressDisplay {
    let terminal = Terminal.standardError
    return ProgressDisplay(
      isTerminal: terminal.isInteractive, colour: terminal.hasColour, width: { terminal.width },
      write: { terminal.write($0) })
  }

  /// Progress as events, a line of JSON each, for a program that reads them.
  ///
  /// - Parameter write: takes whole lines, one at a time.
  public static func events(_ write: @escaping @Sendable (String) -> Void) -> ProgressDisplay {
    ProgressDisplay(isTerminal: false, events: { write($0.line + "\n") }, write: { _ in })
  }

  /// Progress that nobody sees.
  public static func silent() -> ProgressDisplay { ProgressDisplay(isTerminal: false, write: { _ in }) }

  /// Sends the lines that a file would get to a log too, whatever the display itself is; nil ends that.
  func keepLog(_ log: (@Sendable (String) -> Void)?) { state.withLock { $0.log = log } }

  /// Opens a bar.
  ///
  /// - Parameters:
  ///   - label: what is going on, such as `TNT seed 0`.
  ///   - total: how many units there are; nil where that isn't known.
  ///   - unit: what is counted, in the singular.
  ///   - parent: the bar that it's a part of; the latest open one without it. Work on several threads names it.
  public func start(
    _ label: String, total: Int? = nil, unit: String = "step", in parent: ProgressBar? = nil
  ) -> ProgressBar {
    let time = now()
    return state.withLock { state in
      let id = state.nextID
      state.nextID += 1
      state.bars.append(
        Bar(
          id: id, parent: parent?.id ?? state.bars.last?.id, label: label, total: total, unit: unit, started: time,
          recent: [(time, 0)], lastLine: time))
      if isTerminal { draw(&state, time) }
      events?(.taskStarted(task: id, parent: state.bars.last?.parent, label: label, total: total, unit: unit))
      return ProgressBar(display: self, id: id)
    }
  }

  /// Prints a line, above the bars where there are any.
  public func note(_ text: String) {
    state.withLock { state in
      erase(&state)
      write(text + "\n")
      state.log?(text)
      if isTerminal { draw(&state, now()) }
      events?(.note(text))
    }
  }

  /// Tells a program that listens; others see nothing.
  func emit(_ event: @autoclosure () -> ProgressEvent) {
    guard let events else { return }
    state.withLock { _ in events(event()) }
  }

  /// Counts units that were done before; the rate stays that of the work.
  func skip(_ id: Int, by count: Int) {
    let time = now()
    state.withLock { state in
      guard let i = state.bars.firstIndex(where: { $0.id == id }) else { return }
      state.bars[i].count += count
      state.bars[i].skipped += count
      for sample in state.bars[i].recent.indices { state.bars[i].recent[sample].count += count }
      if isTerminal { draw(&state, time) }
    }
  }

  func advance(_ id: Int, by count: Int, values: KeyValuePairs<String, Double>) {
    let time = now()
    state.withLock { state in
      guard let i = state.bars.firstIndex(where: { $0.id == id }) else { return }
      state.bars[i].count += count
      if !values.isEmpty { state.bars[i].values = values.map { ($0.key, $0.value) } }
      let sampled = state.bars[i].recent.last.map { time - $0.time >= 0.25 } ?? true
      if sampled { state.bars[i].recent.append((time, state.bars[i].count)) }
      while state.bars[i].recent.count > 2, time - state.bars[i].recent[1].time > Self.rateWindow {
        state.bars[i].recent.removeFirst()
      }
      if isTerminal, time - state.lastDraw >= Self.redrawInterval { draw(&state, time) }
      if time - state.bars[i].lastLine >= Self.lineInterval, !isTerminal || state.log != nil {
        state.bars[i].lastLine = time
        let line = path(state, i) + ": " + details(state.bars[i], time)
        if !isTerminal { write(line + "\n") }
        state.log?(line)
      }
      if let events, time - state.bars[i].lastEvent >= Self.redrawInterval {
        state.bars[i].lastEvent = time
        let bar = state.bars[i]
        events(
          .taskAdvanced(task: id, count: bar.count, total: bar.total, values: bar.values, rate: bar.rate(time)))
      }
    }
  }

  /// Closes a bar and those nested in it.
  func finish(_ id: Int) {
    let time = now()
    state.withLock { state in
      guard let i = state.bars.firstIndex(where: { $0.id == id }) else { return }
      let bar = state.bars[i]
      let label = path(state, i)
      erase(&state)
      var closed: Set<Int> = [bar.id]
      for other in state.bars where other.parent.map(closed.contains) == true { closed.insert(other.id) }
      for bar in state.bars.reversed() where closed.contains(bar.id) { events?(Self.ended(bar, time)) }
      state.bars.removeAll { closed.contains($0.id) }
      let done = bar.count - bar.skipped
      let count = done > 0 ? "\(done) \(bar.unit)\(done == 1 ? "" : "s") in " : ""
      let values = bar.values.map { "  \($0.0) \(Format.short($0.1))" }.joined()
      let line = "\(label): \(count)\(Format.duration(time - bar.started))\(values)"
      // Nested bars come by the dozen: on a terminal only the outermost leaves a line.
      if !isTerminal || bar.parent == nil { write(line + "\n") }
      state.log?(line)
      if isTerminal { draw(&state, time) }
    }
  }

  /// Forgets all bars without a line, as where the work ended early.
  func closeAll() {
    let time = now()
    state.withLock { state in
      erase(&state)
      for bar in state.bars.reversed() { events?(Self.ended(bar, time)) }
      state.bars = []
    }
  }

  private static func ended(_ bar: Bar, _ time: Double) -> ProgressEvent {
    .taskEnded(
      task: bar.id, count: bar.count, total: bar.total, values: bar.values, seconds: max(0, time - bar.started))
  }

  /// A bar with those that it's a part of, outermost first.
  private func chain(_ state: State, _ i: Int) -> [Bar] {
    var chain = [state.bars[i]]
    // Parents stand before their parts.
    for bar in state.bars[..<i].reversed() where bar.id == chain[0].parent { chain.insert(bar, at: 0) }
    return chain
  }

  private func path(_ state: State, _ i: Int) -> String { chain(state, i).map(\.label).joined(separator: " › ") }

  /// Count, values, rate and remaining time of a bar.
  private func details(_ bar: Bar, _ time: Double) -> String {
    var parts = [bar.total.map { "\(bar.count)/\($0)" } ?? "\(bar.count) \(bar.unit)s"]
    parts += bar.values.map { "\($0.0) \(Format.short($0.1))" }
    if let rate = bar.rate(time) {
      parts.append(rate >= 1 ? "\(Format.short(rate)) \(bar.unit)s/s" : "\(Format.short(1 / rate)) s/\(bar.unit)")
      if let total = bar.total, total > bar.count {
        parts.append("\(Format.duration(Double(total - bar.count) / rate)) left")
      }
    }
    return parts.joined(separator: "  ")
  }

  private func erase(_ state: inout State) {
    guard isTerminal, state.drawnLines > 0 else { return }
    write("\u{1B}[\(state.drawnLines)A\r\u{1B}[J")
    state.drawnLines = 0
  }

  private func draw(_ state: inout State, _ time: Double) {
    let columns = max(width(), 20)
    var text = state.drawnLines > 0 ? "\u{1B}[\(state.drawnLines)A\r\u{1B}[J" : ""
    for (i, bar) in state.bars.enumerated() {
      let depth = chain(state, i).count - 1
      let label = String(repeating: "  ", count: depth) + bar.label
      let rest = details(bar, time)
      var line = label
      if let total = bar.total, total > 0 {
        let cells = min(24, columns - label.count - rest.count - 6)
        if cells >= 6 {
          let filled = Double(min(bar.count, total)) / Double(total) * Double(cells)
          line += "  " + Self.blocks(filled, of: cells)
        }
      }
      line = Format.fit(line + "  " + rest, to: columns - 1)
      text += (colour ? line.replacing(/━+/) { "\u{1B}[36m\($0.output)\u{1B}[0m" } : line) + "\n"
    }
    if !text.isEmpty { write(text) }
    state.drawnLines = state.bars.count
    state.lastDraw = time
  }

  private static func blocks(_ filled: Double, of cells: Int) -> String {
    let full = Int(filled)
    return String(repeating: "━", count: full) + String(repeating: "─", count: cells - full)
  }
}

/// One bar of a display; also an end of the work it counts.
public struct ProgressBar: Sendable {
  let display: ProgressDisplay
  let id: Int

  /// Counts units done, and shows the latest values such as the loss.
  public func advance(_ count: Int = 1, values: KeyValuePairs<String, Double> = [:]) {
    display.advance(id, by: count, values: values)
  }

  /// Counts units that were done before, such as those of an interrupted run: they aren't part of the rate.
  public func skip(_ count: Int = 1) { display.skip(id, by: count) }

  /// Closes the bar.
  public func finish() { display.finish(id) }
}
