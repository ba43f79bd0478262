import Testing

@testable import PostgreSQLConnector

@Suite("When batches are handed over, and how they are tried") struct PaceTests {
    @Test("Without a flood whole transactions go on at once")
    func quiet() {
        var pace = HandOverPace()
        #expect(pace.delay(holdsOnlyFiller: false, at: 100) <= 0)
        pace.put(changes: HandOverPace.floodChanges - 1, at: 100)
        #expect(!pace.isFlood)
        #expect(pace.delay(holdsOnlyFiller: false, at: 100) <= 0)
    }

    @Test("After a large batch the next waits 10 ms from then, and no longer")
    func flood() {
        var pace = HandOverPace()
        pace.put(changes: HandOverPace.floodChanges, at: 100)
        #expect(pace.isFlood)
        #expect(abs(pace.delay(holdsOnlyFiller: false, at: 100) - 0.01) < 1e-9)
        #expect(abs(pace.delay(holdsOnlyFiller: false, at: 100.004) - 0.006) < 1e-9)
        #expect(pace.delay(holdsOnlyFiller: false, at: 100.011) <= 0)
        pace.put(changes: 3, at: 100.011)
        #expect(pace.delay(holdsOnlyFiller: false, at: 100.011) <= 0)
    }

    @Test("A position alone goes on every half second, flood or not")
    func filler() {
        var pace = HandOverPace()
        #expect(pace.delay(holdsOnlyFiller: true, at: 100) <= 0)
        pace.put(changes: 1_000, at: 100)
        pace.putWhenDry(at: 100)
        #expect(abs(pace.delay(holdsOnlyFiller: true, at: 100.2) - 0.3) < 1e-9)
        #expect(pace.delay(holdsOnlyFiller: true, at: 100.5) <= 0)
    }

    @Test("One failure is forgiven; from the second in a row on, more and more is not tried")
    func backOff() {
        var backOff = NetBackOff()
        var skipped: [Int] = []
        for _ in 0..<11 {
            var count = 0
            while !backOff.mayTry() { count += 1 }
            skipped.append(count)
            backOff.fellBack()
        }
        #expect(skipped == [0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64])
    }

    @Test("What works ends the pauses")
    func recovery() {
        var backOff = NetBackOff()
        for _ in 0..<5 { backOff.fellBack() }
        while !backOff.mayTry() {}
        backOff.worked()
        backOff.fellBack()
        let mayTry = backOff.mayTry()
        #expect(mayTry)
    }
}
