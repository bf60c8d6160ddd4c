import Foundation
import Synchronization

/// Works through jobs on several threads, each job once, in order of their start.
///
/// The threads are its own, with 8 MB of stack: those of the system's pool are few and have small stacks. After an error
/// no further job is started, and those that run are waited for.
///
/// - Parameters:
///   - workers: threads, at least one; not more are started than there are jobs.
///   - work: called on the threads.
/// - Returns: results in the order of the jobs.
/// - Throws: the first error that `work` threw.
public func parallel<Job: Sendable, Result: Sendable>(
  _ jobs: [Job], workers: Int, _ work: @escaping @Sendable (Job) throws -> Result
) throws -> [Result] {
  let queue = Mutex(JobQueue<Result>())
  let workers = min(max(1, workers), jobs.count)
  let finished = DispatchSemaphore(value: 0)
  let loop: @Sendable () -> Void = {
    while let place = queue.withLock({ queue -> Int? in
      guard queue.error == nil, queue.next < jobs.count else { return nil }
      defer { queue.next += 1 }
      return queue.next
    }) {
      do {
        let result = try work(jobs[place])
        queue.withLock { $0.done[place] = result }
      } catch {
        queue.withLock { $0.error = $0.error ?? error }
      }
    }
    finished.signal()
  }
  for _ in 0..<workers {
    let thread = Thread(block: loop)
    thread.stackSize = 8 << 20
    thread.start()
  }
  for _ in 0..<workers { finished.wait() }
  let (error, done) = queue.withLock { ($0.error, $0.done) }
  if let error { throw error }
  return jobs.indices.compactMap { done[$0] }
}

private struct JobQueue<Result: Sendable> {
  var next = 0
  var done: [Int: Result] = [:]
  var error: (any Error)?
}
