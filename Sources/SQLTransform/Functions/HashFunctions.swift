import Crypto
import Foundation
import ReplicationModel

extension FunctionLibrary {
    static let hashes: [SQLFunction] = [
        SQLFunction("sha256", 1...1, .text, isInjective: true) { call throws(FunctionFault) in
            .text(hexadecimal(SHA256.hash(data: try call.bytes(0))))
        },
        SQLFunction("hmac_sha256", 2...2, .text, isInjective: true, takesKey: true) {
            call throws(FunctionFault) in
            let key = SymmetricKey(data: try secret(call, 1))
            let code = HMAC<SHA256>.authenticationCode(for: Array(try call.bytes(0)), using: key)
            return .text(hexadecimal(code))
        },
        SQLFunction("tokenize", 2...2, .text, takesKey: true) { call throws(FunctionFault) in
            .text(tokenize(try call.text(0), SymmetricKey(data: try secret(call, 1))))
        },
        SQLFunction("uuid_v5", 2...2, .uuid, isInjective: true) { call throws(FunctionFault) in
            .text(try nameBasedUUID(Array(try call.bytes(0)), try call.text(1)))
        },
        SQLFunction("base64", 1...1, .text, isInjective: true) { call throws(FunctionFault) in
            .text(Data(try call.bytes(0)).base64EncodedString())
        },
        SQLFunction("unbase64", 1...1, .bytes) { call throws(FunctionFault) in
            guard let data = Data(base64Encoded: try call.text(0)) else {
                throw FunctionFault("the text is not base64")
            }
            return .blob(Array(data))
        },
        SQLFunction("encrypt_aes_gcm", 2...2, .text, isInjective: true, takesKey: true) {
            call throws(FunctionFault) in
            let key = SymmetricKey(data: try secret(call, 1, of: [16, 24, 32]))
            return .text(try encrypt(Data(try call.bytes(0)), key).base64EncodedString())
        },
        SQLFunction("decrypt_aes_gcm", 2...2, .text, takesKey: true) { call throws(FunctionFault) in
            let key = SymmetricKey(data: try secret(call, 1, of: [16, 24, 32]))
            guard let sealed = Data(base64Encoded: try call.text(0)),
                let box = try? AES.GCM.SealedBox(combined: sealed),
                let plain = try? AES.GCM.open(box, using: key)
            else { throw FunctionFault("the value was not encrypted with this key") }
            return .text(Array(plain))
        },
    ]

    private static func hexadecimal(_ bytes: some ContiguousBytes) -> [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        bytes.withUnsafeBytes { CanonicalText.append(hexadecimal: $0, to: &digits) }
        return digits
    }

    /// An empty key would be no secret.
    private static func secret(
        _ call: FunctionCall, _ index: Int, of sizes: Set<Int>? = nil
    ) throws(FunctionFault) -> [UInt8] {
        let bytes = Array(try call.bytes(index))
        guard !bytes.isEmpty else { throw FunctionFault("the key is empty") }
        if let sizes, !sizes.contains(bytes.count) {
            throw FunctionFault("the key has not 16, 24 or 32 bytes")
        }
        return bytes
    }

    /// The nonce is made of key and value, so that equal values stay equal; RFC 5116 asks that no
    /// nonce serves two values, which then happens only where HMAC-SHA256 of 12 bytes collides.
    private static func encrypt(_ plain: Data, _ key: SymmetricKey) throws(FunctionFault) -> Data {
        let nonceKey = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Data("martlet nonce".utf8), outputByteCount: 32)
        let code = HMAC<SHA256>.authenticationCode(for: plain, using: nonceKey)
        guard let nonce = try? AES.GCM.Nonce(data: Array(code.prefix(12))),
            let sealed = try? AES.GCM.seal(plain, using: key, nonce: nonce).combined
        else { throw FunctionFault("the value cannot be encrypted") }
        return sealed
    }

    /// Letters stay letters of their case, digits digits, everything else itself: an HMAC mapped on
    /// the same alphabet. Nothing leads back, and two values may share a token.
    private static func tokenize(_ text: String, _ key: SymmetricKey) -> String {
        var stream: [UInt8] = []
        var block: UInt32 = 0
        var result = ""
        for scalar in text.unicodeScalars {
            guard let alphabet = alphabets.first(where: { $0.contains(scalar.value) }) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            if stream.count < 8 {
                let counter = withUnsafeBytes(of: block.bigEndian) { Array($0) }
                stream += HMAC<SHA256>.authenticationCode(
                    for: counter + Array(text.utf8), using: key)
                block += 1
            }
            let number = stream.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            stream.removeLast(8)
            let letter = alphabet.lowerBound + UInt32(number % UInt64(alphabet.count))
            result.unicodeScalars.append(Unicode.Scalar(letter) ?? scalar)
        }
        return result
    }

    private static let alphabets: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x61...0x7A]

    /// Source: RFC 9562, section 5.5.
    private static func nameBasedUUID(
        _ name: [UInt8], _ namespace: String
    ) throws(FunctionFault) -> String {
        let known = [
            "dns": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "url": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
            "oid": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
            "x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
        ]
        guard let space = UUID(uuidString: known[namespace] ?? namespace) else {
            throw FunctionFault("the namespace is not a UUID, nor dns, url, oid or x500")
        }
        let digest = withUnsafeBytes(of: space.uuid) {
            Insecure.SHA1.hash(data: Array($0) + name)
        }
        var bytes = Array(digest.prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = String(decoding: hexadecimal(bytes), as: UTF8.self)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { result += "-" }
            result.append(digit)
        }
        return result
    }
}
