import Inference

/// The sampler's settings as they stand in a session file.
///
/// The names belong to the file format: they stay when a property is renamed. Fields that an older or newer program left
/// out or added do no harm.
enum SettingsFields {
  static let doubles:
    [(name: String, path: any WritableKeyPath<SamplerSettings, Double> & Sendable)] = [
      ("temperature", \.temperature), ("dynamicRange", \.dynamicTemperatureRange),
      ("dynamicExponent", \.dynamicTemperatureExponent), ("topP", \.topP), ("minP", \.minP),
      ("typicalP", \.typicalP), ("topNSigma", \.topNSigma), ("repeat", \.repetitionPenalty),
      ("presence", \.presencePenalty), ("frequency", \.frequencyPenalty),
      ("dry", \.dryMultiplier), ("dryBase", \.dryBase), ("xtc", \.xtcProbability),
      ("xtcThreshold", \.xtcThreshold), ("mirostatTau", \.mirostatTau),
      ("mirostatEta", \.mirostatEta),
    ]
  static let integers:
    [(name: String, path: any WritableKeyPath<SamplerSettings, Int> & Sendable)] = [
      ("topK", \.topK), ("window", \.penaltyWindow), ("dryLength", \.dryAllowedLength),
      ("dryWindow", \.dryWindow), ("mirostat", \.mirostat),
    ]

  static func object(_ settings: SamplerSettings) -> JSONObject {
    var object = JSONObject()
    object.add("seed", json: String(settings.seed))
    for (name, path) in doubles { object.add(name, settings[keyPath: path]) }
    for (name, path) in integers { object.add(name, settings[keyPath: path]) }
    var bias = JSONObject()
    for (token, value) in settings.logitBias.sorted(by: { $0.key < $1.key }) {
      bias.add(String(token), json: value.isFinite ? "\(value)" : "\"\(value)\"")
    }
    object.add("bias", bias)
    object.add("order", settings.order.map(\.rawValue))
    return object
  }
}

/// Settings read back from a session file.
struct DecodedSettings: Decodable {
  var settings = SamplerSettings()

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Name.self)
    for (name, path) in SettingsFields.doubles {
      if let value = try fields.decodeIfPresent(Double.self, forKey: Name(name)) {
        settings[keyPath: path] = value
      }
    }
    for (name, path) in SettingsFields.integers {
      if let value = try fields.decodeIfPresent(Int.self, forKey: Name(name)) {
        settings[keyPath: path] = value
      }
    }
    if let seed = try fields.decodeIfPresent(UInt64.self, forKey: Name("seed")) {
      settings.seed = seed
    }
    if let bias = try fields.decodeIfPresent([String: BiasValue].self, forKey: Name("bias")) {
      for (token, value) in bias {
        guard let token = TokenID(token) else {
          throw DecodingError.dataCorruptedError(
            forKey: Name("bias"), in: fields, debugDescription: "\(token) is no token id")
        }
        settings.logitBias[token] = value.value
      }
    }
    if let order = try fields.decodeIfPresent([String].self, forKey: Name("order")) {
      settings.order = try order.map { name in
        guard let stage = SamplerStage(rawValue: name) else {
          throw DecodingError.dataCorruptedError(
            forKey: Name("order"), in: fields, debugDescription: "there is no sampler stage \(name)"
          )
        }
        return stage
      }
    }
  }

  /// A number, or the word for an endless one, which forbids or forces a token.
  private struct BiasValue: Decodable {
    let value: Float

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let word = try? container.decode(String.self) {
        guard let value = Float(word) else {
          throw DecodingError.dataCorruptedError(
            in: container, debugDescription: "\(word) is no number")
        }
        self.value = value
      } else {
        value = try container.decode(Float.self)
      }
    }
  }
}
