import Foundation

/// Makes values in order on a thread of its own, at most a few ahead of their use.
///
/// The thread ends when all are made or nobody holds the prefetcher any more.
final class Prefetcher<Value: Sendable>: Sendable {
  private let queue: BoundedQueue<Value>

  /// - Parameters:
  ///   - count: number of values.
  ///   - ahead: how many may wait, at least 1.
  ///   - make: makes the value of a place.
  init(count: Int, ahead: Int, make: @escaping @Sendable (Int) -> Value) {
    let queue = BoundedQueue<Value>(limit: max(1, ahead))
    self.queue = queue
    let thread = Thread {
      for place in 0..<count { guard queue.put(make(place)) else { return } }
      queue.finish()
    }
    thread.name = "prefetch"
    thread.start()
  }

  deinit { queue.close() }

  /// The next value; waits for it if need be. `nil` after the last.
  func next() -> Value? { queue.take() }
}

private final class BoundedQueue<Value: Sendable>: @unchecked Sendable {
  // Fields change under the condition's lock only.
  private let condition = NSCondition()
  private let limit: Int
  private var values: [Value] = []
  private var isFinished = false
  private var isClosed = false

  init(limit: Int) { self.limit = limit }

  /// Adds a value; waits for room. `false` where nobody will take it.
  func put(_ value: Value) -> Bool {
    condition.withLock {
      while values.count >= limit, !isClosed { condition.wait() }
      guard !isClosed else { return false }
      values.append(value)
      condition.broadcast()
      return true
    }
  }

  func take() -> Value? {
    condition.withLock {
      while values.isEmpty, !isFinished { condition.wait() }
      guard !values.isEmpty else { return nil }
      condition.broadcast()
      return values.removeFirst()
    }
  }

  func finish() {
    condition.withLock {
      isFinished = true
      condition.broadcast()
    }
  }

  func close() {
    condition.withLock {
      isClosed = true
      values = []
      condition.broadcast()
    }
  }
}
