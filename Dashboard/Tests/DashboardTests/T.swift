import Testing
import Dashboard
import HummingbirdTesting
@Test func t() {}
