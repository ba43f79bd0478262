/// INCIDENT_EVENT: the source lost events (B27).
enum IncidentEvent {
    static func refusal(_ reader: inout EventReader) throws(MalformedEvent) -> MalformedEvent {
        let number = try reader.uint16()
        let length = Int(try reader.uint8())
        return .incident(number: number, message: try reader.text(length))
    }
}
