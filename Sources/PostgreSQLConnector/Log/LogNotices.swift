internal import CLibPQ

/// Warnings that come with the stream.
///
/// From 18 on a publication that does not exist at the decoded position is a warning, and the
/// change is left out (P33); before, it was an error. It comes in order with the changes, so that
/// none behind it was decoded when it is seen.
final class LogNotices {
    private(set) var sawSkippedPublication = false

    /// - Parameter connection: must not outlive this object while it is in use.
    func listen(on connection: PGConnection) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        PQsetNoticeReceiver(
            connection.handle,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<LogNotices>.fromOpaque(context).takeUnretainedValue().note(result)
            }, context)
    }

    private func note(_ notice: OpaquePointer) {
        func field(_ letter: Character) -> String? {
            guard let code = letter.asciiValue else { return nil }
            return PQresultErrorField(notice, Int32(code)).map { String(cString: $0) }
        }
        // The severity as it is untranslated, and the SQLSTATE that pgoutput gives it.
        if field("V") == "WARNING", field("C") == "55000" { sawSkippedPublication = true }
    }
}
