import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The user's wish that a run stop at the next safe place.
public final class Interrupt: Sendable {
  private let requested = Atomic<Bool>(false)

  public init() {}

  /// The one that Ctrl-C and SIGTERM set, once `listen()` was called.
  public static let ofProcess = Interrupt()

  /// Whether the run should stop.
  public var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Asks the run to stop.
  public func request() { requested.store(true, ordering: .relaxed) }

  /// Turns Ctrl-C (SIGINT) and SIGTERM into requests; the second one ends the process at once.
  public static func listen() {
    // Made before a handler can run: a signal handler mustn't be the first to touch a global.
    _ = ofProcess.isRequested
    // Who starts a process may hand down that they are blocked, as the threads of a server do.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signalNumber in [SIGINT, SIGTERM] { sigaddset(&signals, signalNumber) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    for signalNumber in [SIGINT, SIGTERM] {
      signal(signalNumber) { _ in
        if Interrupt.ofProcess.isRequested { _exit(130) }
        Interrupt.ofProcess.request()
        let note: StaticString = "\nstopping at the next safe place; again to stop at once\n"
        _ = write(2, note.utf8Start, note.utf8CodeUnitCount)
      }
    }
  }
}
