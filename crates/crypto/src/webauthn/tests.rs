//! The test vectors of the standard (W3C WebAuthn level 3, §16), and what no answer may be.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

/// A credential of §16: its registration and a proof.
struct Vector {
    name: &'static str,
    challenge: &'static str,
    client: &'static str,
    attestation: &'static str,
    credential: &'static str,
    proof_challenge: &'static str,
    proof_client: &'static str,
    authenticator: &'static str,
    signature: &'static str,
    /// Whether the user was verified at the registration, and at the proof.
    verified: (bool, bool),
}

const VECTORS: [Vector; 4] = [
    Vector {
        name: "16.2 ES256 without attestation",
        challenge: "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
        client: "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d",
        attestation: "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
        credential: "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
        proof_challenge: "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
        proof_client: "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
        authenticator: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
        signature: "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
        verified: (false, false),
    },
    Vector {
        name: "16.7 ES256 with packed attestation",
        challenge: "c1184a5fddf8045e13dc47f54b61f5a656b666b59018f16d870e9256e9952012",
        client: "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a227752684b58393334424634543345663153324831706c61325a725751475046746877365356756d56494249222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20396138624e596a4b436757724258552d66436c316167227d",
        attestation: "a363666d74667061636b65646761747453746d74a363616c6726637369675847304502203f19ec4b229f46ab8c45eff29b904ff10c0390dc40bf1216f04a78f4ceba3425022100fe7041a32759aff05a0f9f26c70a999c7a284451ba89234a1d3483c25e21925b637835638159022530820221308201c8a00302010202110088c220f83c8ef1feafe94deae45faad0300a06082a8648ce3d0403023062311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413020170d3234303130313030303030305a180f33303234303130313030303030305a305f311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331223020060355040b0c1941757468656e74696361746f72204174746573746174696f6e310b30090603550406130241413059301306072a8648ce3d020106082a8648ce3d03010703420004a91ba4389409dd38a428141940ca8feb1ac0d7b4350558104a3777a49322f3798440f378b3398ab2d3bb7bf91322c92eb23556f59ad0a836fec4c7663b0e4dc3a360305e300c0603551d130101ff04023000300e0603551d0f0101ff040403020780301d0603551d0e04160414a589ba72d060842ab11f74fb246bdedab16f9b9b301f0603551d2304183016801445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d040302034700304402201726b9d85ecd8a5ed51163722ca3a20886fd9b242a0aa0453d442116075defd502207ef471e530ac87961a88a7f0d0c17b091ffc6b9238d30f79f635b417be5910e768617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54d00000000876ca4f52071c3e9b25509ef2cdf7ed60020c9a6f5b3462d02873fea0c56862234f99f081728084e511bb7760201a89054a5a50102032620012158201cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae522582059e4b7da6c0106e206ce390c93ab98a15a5ec3887e57f0cc2bece803b920c423",
        credential: "c9a6f5b3462d02873fea0c56862234f99f081728084e511bb7760201a89054a5",
        proof_challenge: "b1106fa46a57bef1781511c0557dc898a03413d5f0f17d244630c194c7e1adb5",
        proof_client: "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2273524276704770587676463446524841565833496d4b4130453958773858306b526a44426c4d6668726255222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20415a4d77794d78496244382d756775464e7036723851227d",
        authenticator: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50d00000000",
        signature: "30450220694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe90221008b0819c824218a97152cd099c55bfb1477b29d900a49a64018314f9bfccda163",
        verified: (true, true),
    },
    Vector {
        name: "16.10 RS256",
        challenge: "bea8f0770009bd57f2c0df6fea9f743a27e4b61bbe923c862c7aad7a9fc8e4a6",
        client: "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2276716a776477414a76566679774e3976367039304f69666b7468752d6b6a79474c48717465705f49354b59222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
        attestation: "a363666d74667061636b65646761747453746d74a363616c672663736967584730450221008b8c5c6ea8c142c032e0be69e1353d44461c5c9109941cdda951b976eb95b6b302204d52f406c19e254b3ff9589bd18070fb055ac8db12fdd0a6734bea9d7168e900637835638159022630820222308201c7a00302010202101f6fb7a5ece81b45896b983a995da5f3300a06082a8648ce3d0403023062311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413020170d3234303130313030303030305a180f33303234303130313030303030305a305f311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331223020060355040b0c1941757468656e74696361746f72204174746573746174696f6e310b30090603550406130241413059301306072a8648ce3d020106082a8648ce3d03010703420004b7b36b7542a11120b443c794d0c99fdc25a06b76586413d81e086163ef6fe147a557afc34e2861d9057d6d465d4705a0310550bdeeb5f35ee35b9425ab859981a360305e300c0603551d130101ff04023000300e0603551d0f0101ff040403020780301d0603551d0e04160414fb37b647bccfb9e54d989eaaacc1633868703fb3301f0603551d2304183016801445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d0403020349003046022100b86bc129d92afca7d9869a39f70f139a305b4073a39eb654d81424bed5757d91022100cf9f7c60cab7c4a7d3e7f0020f281a93d4fd0a9f95121b989f56932a68885fba68617574684461746159021bbfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000428f8878298b9862a36ad8c7527bfef20020992a18acc83f67533600c1138a4b4c4bd236de13629cf025ed17cb00b00b74dfa4010303390100205901b403fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000012143010001",
        credential: "992a18acc83f67533600c1138a4b4c4bd236de13629cf025ed17cb00b00b74df",
        proof_challenge: "295f59f5fa8fe62c5aca9e27626c78c8da376ae6d8cd2dd29aebad601e1bc4c5",
        proof_client: "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224b56395a39667150356978617970346e596d7834794e6f33617562597a5333536d75757459423462784d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
        authenticator: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
        signature: "01063d52d7c39b4d432fc7063c5d93e582bdcb16889cd71f888d67d880ea730a428498d3bc8e1ee11f2b1ecbe6c292b118c55ffaaddefa8cad0a54dd137c51f1eec673f1bb6c4d1789d6826a222b22d0f585fc901fdc933212e579d199b89d672aa44891333e6a1355536025e82b25590256c3538229b55737083b2f6b9377e49e2472f11952f79fdd0da180b5ffd901b4049a8f081bb40711bef76c62aed943571f2d0575304cb549d68d8892f95086a30f93716aee818f8dc06e96c0d5e0ed4cfa9fd8773d90464b68cf140f7986666ff9c9e3302acd0535d60d769f465e2ab57ef8aabc89fccfef7ba32a64154a8b3d26be2298f470b8cc5377dbe3dfd4b0b45f8f01e63bde6cfc76b62771f9b70aa27cf40152cad93aa5acd784fd4b90f676e2ea828d0bf2400aebbaae4153e5838f537f88b6228346782a93a899be66ec77de45b3efcf311da6321c92e6b0cd11bfe653bf3e98cee8e341f02d67dbb6f9c98d9e8178090cfb5b70fbc6d541599ac794ae2f1d4de1286ec8de8c2daf7b1d15c8438e90d924df5c19045220a4c8438c1b979bbe016cf3d0eeec23c3999d4882cc645b776de930756612cdc6dd398160ff02a6",
        verified: (true, false),
    },
    Vector {
        name: "16.11 Ed25519",
        challenge: "a8abf9dabdc6b0df63466b39bda9e8a34a34e185337a59f1c579990676d3b3bd",
        client: "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22714b763532723347734e396a526d733576616e6f6f306f303459557a656c6e7878586d5a426e6254733730222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20425f44543567375a445f2d394f544c59583549764551227d",
        attestation: "a363666d74667061636b65646761747453746d74a363616c67266373696758483046022100d83f60bd80269537583218858aefb03ac57d45fa06e42feaae332d187f62da9f022100a02bd3cb6f7e1d283c93bad1f3f4b5a4c0494463da7fdbf256949116754d1f17637835638159022730820223308201c8a003020102021100b2cfc9ea33c8643b0e1a760463eaf164300a06082a8648ce3d0403023062311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413020170d3234303130313030303030305a180f33303234303130313030303030305a305f311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331223020060355040b0c1941757468656e74696361746f72204174746573746174696f6e310b30090603550406130241413059301306072a8648ce3d020106082a8648ce3d03010703420004dd2b7a564b73b8c0b81c4c62e521925c4d1198ec9f583dbf1eebe364b65cd9c29a9bdf346aaa81fb6b9507e5249a52fdaf8e39e26b0b7dc45992a7e233b70f70a360305e300c0603551d130101ff04023000300e0603551d0f0101ff040403020780301d0603551d0e041604140ae27546bc7eccb1b4b597bd354f0c0b1f1f8f8e301f0603551d2304183016801445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d0403020349003046022100a0d434ecb5fc3bfd7da5f41904517ad2836249f561bd834ba7a438a8ab7a4ce8022100fac845bb7a02513b58e9f319654dbe49b0f02b95835bac568c71f8a18cdde9ab6861757468446174615881bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54100000000d5aa33581e8ca478e20fe713f5d32ff20020ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bda401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832",
        credential: "ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bd",
        proof_challenge: "895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2",
        proof_client: "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2269566c583442786a4f6d6d44534b4c596f7870557439736e364d48454f7943413135726947514a6e763949222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
        authenticator: "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50100000000",
        signature: "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b",
        verified: (false, false),
    },
];

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn party() -> RelyingParty {
    RelyingParty::of_address("https://example.org").unwrap()
}

/// The bytes of the public key in an attestation object, which ends with it, behind the credential.
fn key_in(vector: &Vector) -> Vec<u8> {
    let (_, key) = vector.attestation.rsplit_once(vector.credential).unwrap();
    bytes(key)
}

#[test]
fn the_keys_of_the_standard_have_signed_what_it_says() {
    for vector in &VECTORS {
        let key = PublicKey::parse(&key_in(vector)).unwrap();
        let mut message = bytes(vector.authenticator);
        message.extend(sha256(&bytes(vector.proof_client)));
        let signature = bytes(vector.signature);
        assert!(key.has_signed(&message, &signature), "{}", vector.name);
        for at in [0, 20, 37, message.len() - 1] {
            let mut other = message.clone();
            other[at] ^= 1;
            assert!(!key.has_signed(&other, &signature), "{} {at}", vector.name);
        }
        assert!(
            !key.has_signed(&message, &signature[1..]) && !key.has_signed(&message, &[]),
            "{}",
            vector.name
        );
    }
}

#[test]
fn the_credentials_of_the_standard_are_taken_where_their_user_was_verified() {
    let party = party();
    for vector in &VECTORS {
        let challenge_hash = sha256(&bytes(vector.challenge));
        let question = Question { party: &party, challenge_hash: &challenge_hash };
        let made = register(question, &bytes(vector.client), &bytes(vector.attestation));
        let expected = NewCredential { id: bytes(vector.credential), public_key: key_in(vector), count: 0 };
        let expected = if vector.verified.0 { Ok(expected) } else { Err(Fault::Unverified) };
        assert_eq!(made, expected, "{}", vector.name);

        let challenge_hash = sha256(&bytes(vector.proof_challenge));
        let question = Question { party: &party, challenge_hash: &challenge_hash };
        let (client, authenticator) = (bytes(vector.proof_client), bytes(vector.authenticator));
        let signature = bytes(vector.signature);
        let assertion = Assertion { client: &client, authenticator: &authenticator, signature: &signature };
        let expected = if vector.verified.1 { Ok(0) } else { Err(Fault::Unverified) };
        assert_eq!(verify(question, &key_in(vector), assertion), expected, "{}", vector.name);
    }
}

/// An authenticator that says what a test wants it to.
struct Says {
    ceremony: &'static str,
    challenge: [u8; 32],
    origin: &'static str,
    further: &'static str,
    party: &'static str,
    flags: u8,
    count: u32,
    behind: Vec<u8>,
}

impl Default for Says {
    fn default() -> Self {
        Self {
            ceremony: "webauthn.get",
            challenge: [7; 32],
            origin: "https://example.org",
            further: "",
            party: "example.org",
            flags: 0x05,
            count: 9,
            behind: Vec::new(),
        }
    }
}

impl Says {
    fn client(&self) -> Vec<u8> {
        let Self { ceremony, challenge, origin, further, .. } = self;
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}"{further}}}"#).into()
    }

    fn authenticator(&self) -> Vec<u8> {
        let mut data = sha256(self.party.as_bytes()).to_vec();
        data.push(self.flags);
        data.extend(self.count.to_be_bytes());
        data.extend(&self.behind);
        data
    }

    /// Signs it, and has it judged.
    fn judged(&self) -> Result<u32, Fault> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
        let (client, authenticator) = (self.client(), self.authenticator());
        let mut message = authenticator.clone();
        message.extend(sha256(&client));
        let signature = key.sign(&random, &message).unwrap();
        let (party, challenge_hash) = (party(), sha256(&[7; 32]));
        let question = Question { party: &party, challenge_hash: &challenge_hash };
        let assertion =
            Assertion { client: &client, authenticator: &authenticator, signature: signature.as_ref() };
        verify(question, &cose(key.public_key().as_ref()), assertion)
    }
}

/// A point as a COSE key.
fn cose(point: &[u8]) -> Vec<u8> {
    let mut key = bytes("a5010203262001215820");
    key.extend(&point[1..33]);
    key.extend(bytes("225820"));
    key.extend(&point[33..]);
    key
}

#[test]
fn every_lie_has_its_own_name() {
    assert_eq!(Says::default().judged(), Ok(9));
    let extended = Says { flags: 0x85, behind: vec![0xa1, 0x61, b'x', 0xf5], ..Says::default() };
    assert_eq!(extended.judged(), Ok(9), "an extension that nobody asked for");
    for (says, fault) in [
        (Says { ceremony: "webauthn.create", ..Says::default() }, Fault::Ceremony),
        (Says { challenge: [8; 32], ..Says::default() }, Fault::Challenge),
        (Says { origin: "https://example.org.evil", ..Says::default() }, Fault::Origin),
        (Says { origin: "https://example.org:444", ..Says::default() }, Fault::Origin),
        (Says { origin: "http://example.org", ..Says::default() }, Fault::Origin),
        (Says { further: r#","crossOrigin":true"#, ..Says::default() }, Fault::Framed),
        (Says { further: r#","topOrigin":"https://evil""#, ..Says::default() }, Fault::Framed),
        (Says { further: r#","origin":"https://example.org""#, ..Says::default() }, Fault::Malformed),
        (Says { further: r#","crossOrigin":1"#, ..Says::default() }, Fault::Malformed),
        (Says { party: "evil.example", ..Says::default() }, Fault::Party),
        (Says { flags: 0x01, ..Says::default() }, Fault::Unverified),
        (Says { flags: 0x04, ..Says::default() }, Fault::Unverified),
        (Says { flags: 0x15, ..Says::default() }, Fault::Malformed),
        (Says { flags: 0x45, ..Says::default() }, Fault::Malformed),
        (Says { flags: 0x85, ..Says::default() }, Fault::Malformed),
        (Says { behind: vec![0], ..Says::default() }, Fault::Malformed),
    ] {
        assert_eq!(says.judged(), Err(fault), "{}", String::from_utf8_lossy(&says.client()));
    }
}

#[test]
fn a_registration_that_is_cut_or_goes_on_is_refused() {
    let (party, vector) = (party(), &VECTORS[1]);
    let challenge_hash = sha256(&bytes(vector.challenge));
    let question = Question { party: &party, challenge_hash: &challenge_hash };
    let (client, whole) = (bytes(vector.client), bytes(vector.attestation));
    for end in 0..whole.len() {
        assert_eq!(register(question, &client, &whole[..end]), Err(Fault::Malformed), "{end}");
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(register(question, &client, &longer), Err(Fault::Malformed));
    let padded = [client.clone(), vec![b' '; PART_BYTES_MAX]].concat();
    assert_eq!(register(question, &padded, &whole), Err(Fault::Malformed));
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let good = key_in(&VECTORS[0]);
    assert!(PublicKey::parse(&good).is_ok());
    let changed = |from: &str, into: &str| bytes(&hex::encode(&good).replacen(from, into, 1));
    for (key, fault) in [
        (changed("0326", "0327"), Fault::Algorithm),
        (changed("2001", "2002"), Fault::Algorithm),
        (changed("0102", "0101"), Fault::Algorithm),
        // A label twice, and one that does not belong there.
        (changed("2001", "0326"), Fault::Malformed),
        (changed("a50102", "a6041801" /* key_ops */), Fault::Malformed),
        ([good.clone(), vec![0]].concat(), Fault::Malformed),
        (bytes("a0"), Fault::Algorithm),
        (Vec::new(), Fault::Malformed),
    ] {
        assert_eq!(PublicKey::parse(&key), Err(fault), "{}", hex::encode(&key));
    }
    // RSA of 1024 bits.
    let weak = [bytes("a401030339010020588080"), vec![1; 127], bytes("2143010001")].concat();
    assert_eq!(PublicKey::parse(&weak), Err(Fault::Algorithm));
}

#[test]
fn a_count_grows_or_there_is_none() {
    for (kept, came, grows) in
        [(0, 0, true), (0, 1, true), (1, 2, true), (1, 1, false), (2, 1, false), (1, 0, false)]
    {
        assert_eq!(count_grows(kept, came), grows, "{kept} {came}");
    }
    assert!(!count_grows(u32::MAX, 0));
}

proptest! {
    #[test]
    fn whatever_comes_is_judged(client: Vec<u8>, object: Vec<u8>, signature: Vec<u8>) {
        let (party, challenge_hash) = (party(), [0; 32]);
        let question = Question { party: &party, challenge_hash: &challenge_hash };
        prop_assert!(register(question, &client, &object).is_err());
        let assertion = Assertion { client: &client, authenticator: &object, signature: &signature };
        prop_assert!(verify(question, &object, assertion).is_err());
    }

    #[test]
    fn no_changed_bit_of_a_proof_is_taken(at in 0_usize..256, bit in 0_u8..8) {
        let vector = &VECTORS[1];
        let (party, challenge_hash) = (party(), sha256(&bytes(vector.proof_challenge)));
        let question = Question { party: &party, challenge_hash: &challenge_hash };
        let (client, mut authenticator) = (bytes(vector.proof_client), bytes(vector.authenticator));
        let mut signature = bytes(vector.signature);
        let mut client = client;
        let part = match at % 3 {
            0 => &mut client,
            1 => &mut authenticator,
            _ => &mut signature,
        };
        let at = at % part.len();
        part[at] ^= 1 << bit;
        let assertion = Assertion { client: &client, authenticator: &authenticator, signature: &signature };
        prop_assert!(verify(question, &key_in(vector), assertion).is_err());
    }
}
