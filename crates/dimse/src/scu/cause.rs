//! Why a connection does not work, in words that a person can act on: from an error to its cause, and from a cause to
//! what was expected and what to do. Tables and pure functions; nothing is called here.

use super::{CertificateFault, ScuError, Step, TlsFault};
use crate::association::AssociationError;
use crate::message::{MessageError, Status};
use crate::pdu::{PduError, RejectReason};
use rustls::AlertDescription;
use std::io;
use yingdun_model::word_enum;

/// The first byte of a TLS alert and of a TLS handshake message (RFC 8446 §5.1): what a peer that expects TLS answers to
/// plain DICOM. Neither is a type of PDU.
const TLS_RECORD_KINDS: [u8; 2] = [0x15, 0x16];

word_enum! {
    /// Why a connection to a peer does not work.
    Cause, "cause" {
        /// The host name has no address.
        NameUnknown => "name-unknown",
        /// The host says that nobody listens on the port.
        PortClosed => "port-closed",
        /// There is no way to the host.
        Unreachable => "unreachable",
        /// The host says nothing to a TCP connection.
        HostSilent => "host-silent",
        /// We have no certificate to call with.
        NoOwnCertificate => "no-own-certificate",
        /// No certificate could name this host.
        HostNameIllegal => "host-name-illegal",
        /// The port answers something else than TLS.
        TlsNotSpoken => "tls-not-spoken",
        /// The port says nothing where TLS begins.
        TlsSilent => "tls-silent",
        /// The peer hangs up where TLS begins.
        TlsHungUp => "tls-hung-up",
        /// Nobody whom we trust signed the certificate of the peer.
        PeerAuthorityUnknown => "peer-authority-unknown",
        /// The certificate of the peer has expired.
        PeerCertificateExpired => "peer-certificate-expired",
        /// The certificate of the peer is not valid yet.
        PeerCertificateNotYetValid => "peer-certificate-not-yet-valid",
        /// The certificate of the peer is for another host.
        PeerCertificateOtherHost => "peer-certificate-other-host",
        /// The certificate of the peer was revoked.
        PeerCertificateRevoked => "peer-certificate-revoked",
        /// The certificate of the peer cannot be used.
        PeerCertificateUnusable => "peer-certificate-unusable",
        /// The peer demands a certificate of ours.
        CertificateWanted => "certificate-wanted",
        /// The peer does not know who signed our certificate.
        OurAuthorityUnknown => "our-authority-unknown",
        /// The peer says that our certificate has expired.
        OurCertificateExpired => "our-certificate-expired",
        /// The peer says that our certificate was revoked.
        OurCertificateRevoked => "our-certificate-revoked",
        /// The peer refuses our certificate.
        OurCertificateRefused => "our-certificate-refused",
        /// The peer refuses the TLS handshake.
        TlsRefused => "tls-refused",
        /// TLS fails for another reason.
        TlsFailed => "tls-failed",
        /// The port speaks TLS and was called without.
        TlsExpected => "tls-expected",
        /// The peer takes the connection and does not answer.
        AssociationSilent => "association-silent",
        /// The peer hangs up instead of answering.
        HungUp => "hung-up",
        /// What answers does not speak DICOM.
        NotDicom => "not-dicom",
        /// The peer does not go by the title that was called.
        CalledAeUnknown => "called-ae-unknown",
        /// The peer does not know the title that called.
        CallingAeUnknown => "calling-ae-unknown",
        /// The peer has too many associations.
        PeerBusy => "peer-busy",
        /// The peer rejects without a reason that helps.
        Rejected => "rejected",
        /// The peer does not take verification.
        VerificationRefused => "verification-refused",
        /// The peer aborts.
        Aborted => "aborted",
        /// The association stands, and C-ECHO gets no answer.
        EchoSilent => "echo-silent",
        /// C-ECHO is answered, not with success.
        EchoFailed => "echo-failed",
        /// The association breaks.
        ConnectionLost => "connection-lost",
    }
}

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bilingual {
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
}

/// What a cause means for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What is the matter.
    pub what: Bilingual,
    /// What should have been there.
    pub expected: Bilingual,
    /// What to do.
    pub remedy: Bilingual,
}

impl Cause {
    /// The cause behind an error in a step of a connection, over TLS or without.
    #[must_use]
    pub fn of(error: &ScuError, step: Step, tls: bool) -> Self {
        match error {
            ScuError::NotResolved { .. } => Self::NameUnknown,
            ScuError::Unreachable { source, .. } => unreachable(source),
            ScuError::TimedOut { .. } => silence(step),
            ScuError::HostName(_) => Self::HostNameIllegal,
            ScuError::Tls(fault) => of_tls(fault),
            ScuError::Association(error) => of_association(error, step, tls),
            ScuError::Message(MessageError::Association(error)) => of_association(error, step, tls),
            ScuError::NoVerification => Self::VerificationRefused,
            ScuError::Message(_)
            | ScuError::WrongResponse { .. }
            | ScuError::NotAccepted { .. }
            | ScuError::NoCommitment
            | ScuError::NoPerformedStep
            | ScuError::NoAvailability
            | ScuError::NotOffered
            | ScuError::ResponseTooLong { .. } => Self::NotDicom,
        }
    }

    /// The cause behind a status of C-ECHO; none behind success.
    #[must_use]
    pub fn of_status(status: Status) -> Option<Self> {
        (status != Status::SUCCESS).then_some(Self::EchoFailed)
    }

    /// What it means and what to do.
    #[must_use]
    pub const fn explanation(self) -> Explanation {
        let [what, expected, remedy] = self.words();
        Explanation { what: text(what), expected: text(expected), remedy: text(remedy) }
    }

    /// What is the matter, what was expected, what to do: each in English and in Chinese.
    const fn words(self) -> [[&'static str; 2]; 3] {
        match self {
            Self::NameUnknown => [
                ["the host name has no address", "主机名没有对应的地址"],
                ["a host name that this machine can resolve", "本机能解析的主机名"],
                [
                    "check the spelling and the name service of this machine, or write the IP address",
                    "检查拼写和本机的 DNS，或直接写 IP 地址",
                ],
            ],
            Self::PortClosed => [
                ["nobody listens on the port", "该端口没有程序在监听"],
                ["a DICOM node on this host and port", "该主机和端口上有 DICOM 节点"],
                [
                    "check the port number, and that the DICOM service of the device runs; a firewall may refuse in its name",
                    "检查端口号，确认设备的 DICOM 服务已启动；防火墙也可能代为拒绝",
                ],
            ],
            Self::Unreachable => [
                ["there is no way to the host", "到不了该主机"],
                ["a route to the host", "到该主机的路由"],
                [
                    "check the address, the cable and the route (VLAN, VPN) from this machine",
                    "检查地址、网线以及本机到对方的路由（VLAN、VPN）",
                ],
            ],
            Self::HostSilent => [
                ["the host does not answer", "主机没有应答"],
                ["a TCP connection", "建立 TCP 连接"],
                [
                    "check that the device is switched on and the address is right; a firewall that drops packets looks the same",
                    "确认设备已开机、地址正确；丢弃数据包的防火墙也是这种表现",
                ],
            ],
            Self::NoOwnCertificate => [
                ["this archive has no certificate to call with", "本归档没有用来呼叫的证书"],
                ["DICOM over TLS to be set up here", "本机已配置 DICOM TLS"],
                [
                    "set dicom.tls_listen and its certificate, or write plain:// in front of the destination of the device",
                    "配置 dicom.tls_listen 及其证书，或在设备的目的地前写 plain://",
                ],
            ],
            Self::HostNameIllegal => [
                ["no certificate can be checked against this host name", "这个主机名无法与证书核对"],
                ["a host name or an IP address", "主机名或 IP 地址"],
                [
                    "write the name as it stands in the certificate of the device",
                    "按设备证书中的写法填写主机名",
                ],
            ],
            Self::TlsNotSpoken => [
                ["the port does not speak TLS", "该端口不支持 TLS"],
                ["TLS on this port", "该端口使用 TLS"],
                [
                    "call the TLS port of the device; if it has none, call without TLS (plain:// in the record of the device, \
                     no --ca-file on the command line)",
                    "改用设备的 TLS 端口；设备没有 TLS 时改用明文（设备记录中写 plain://，命令行不写 --ca-file）",
                ],
            ],
            Self::TlsSilent => [
                [
                    "the port takes the connection and says nothing to TLS",
                    "端口接受了连接，但对 TLS 没有反应",
                ],
                ["TLS on this port", "该端口使用 TLS"],
                [
                    "probably a port without TLS: call the TLS port of the device, or call without TLS",
                    "很可能是明文端口：改用设备的 TLS 端口，或不用 TLS 呼叫",
                ],
            ],
            Self::TlsHungUp => [
                ["the peer hung up where TLS begins", "TLS 握手时对方挂断"],
                ["TLS on this port", "该端口使用 TLS"],
                [
                    "look into the log of the device: it may speak no TLS on this port, or take calls from other addresses only",
                    "查看设备日志：该端口可能不支持 TLS，或只接受其他地址的连接",
                ],
            ],
            Self::PeerAuthorityUnknown => [
                [
                    "the certificate of the peer is not signed by an authority that we trust",
                    "对方证书不是由我们信任的 CA 签发",
                ],
                ["a certificate of a known authority", "由已知 CA 签发的证书"],
                [
                    "name the authority that signed it (dicom.client_ca_file, --ca-file), or give the device a certificate of ours",
                    "登记签发它的 CA（dicom.client_ca_file 或 --ca-file），或给设备换上本机构签发的证书",
                ],
            ],
            Self::PeerCertificateExpired => [
                ["the certificate of the peer has expired", "对方证书已过期"],
                ["a certificate that is valid today", "当前有效的证书"],
                [
                    "renew the certificate of the device; check the clock of this machine",
                    "更换设备证书；检查本机时钟",
                ],
            ],
            Self::PeerCertificateNotYetValid => [
                ["the certificate of the peer is not valid yet", "对方证书尚未生效"],
                ["a certificate that is valid today", "当前有效的证书"],
                ["check the clocks of this machine and of whoever issued it", "检查本机和签发机的时钟"],
            ],
            Self::PeerCertificateOtherHost => [
                ["the certificate of the peer is for another host", "对方证书不是发给这个主机的"],
                ["a certificate that names the host that was called", "证书中包含所呼叫的主机名或地址"],
                [
                    "call the device by the name in its certificate, or issue one that names this host (certificate issue --host)",
                    "按证书中的名称呼叫，或签发含此主机名的证书（certificate issue --host）",
                ],
            ],
            Self::PeerCertificateRevoked => [
                ["the certificate of the peer has been revoked", "对方证书已被吊销"],
                ["a certificate that its authority stands by", "未被吊销的证书"],
                [
                    "find out why it was revoked, then give the device a new one",
                    "查明吊销原因，再给设备更换证书",
                ],
            ],
            Self::PeerCertificateUnusable => [
                ["the certificate of the peer cannot be used", "对方证书无法使用"],
                ["a certificate for servers (extended key usage)", "可用于服务器的证书（扩展密钥用途）"],
                [
                    "issue a certificate for clients and servers to the device",
                    "给设备签发客户端和服务器两用的证书",
                ],
            ],
            Self::CertificateWanted => [
                ["the peer demands a certificate and got none", "对方要求出示证书，我方没有出示"],
                ["a client certificate of ours", "我方的客户端证书"],
                [
                    "name our certificate and key (--certificate-file, --private-key-file; dicom.certificate_file)",
                    "指定我方证书和私钥（--certificate-file、--private-key-file；dicom.certificate_file）",
                ],
            ],
            Self::OurAuthorityUnknown => [
                ["the peer does not trust the authority of our certificate", "对方不信任签发我方证书的 CA"],
                ["the peer to know our authority", "对方已导入我方 CA"],
                ["install our authority (pki/ca.pem) on the device", "在设备上导入我方 CA（pki/ca.pem）"],
            ],
            Self::OurCertificateExpired => [
                ["the peer says that our certificate has expired", "对方称我方证书已过期"],
                ["a certificate that is valid by the clock of the peer", "按对方时钟有效的证书"],
                ["renew our certificate; check the clock of the device", "更换我方证书；检查设备时钟"],
            ],
            Self::OurCertificateRevoked => [
                ["the peer says that our certificate has been revoked", "对方称我方证书已被吊销"],
                ["a certificate that its authority stands by", "未被吊销的证书"],
                ["renew our certificate", "更换我方证书"],
            ],
            Self::OurCertificateRefused => [
                ["the peer refuses our certificate", "对方拒绝我方证书"],
                ["a certificate that the peer accepts", "对方接受的证书"],
                [
                    "register our certificate on the device, and look into its log for what it misses",
                    "在设备上登记我方证书，并查看设备日志中缺少什么",
                ],
            ],
            Self::TlsRefused => [
                ["the peer refuses the TLS handshake", "对方拒绝 TLS 握手"],
                ["TLS 1.2 with ECDHE and AEAD, or TLS 1.3", "TLS 1.2（ECDHE、AEAD）或 TLS 1.3"],
                [
                    "update or set up TLS on the device (BCP 195 profile); a device that misses our certificate may say the same",
                    "升级或调整设备的 TLS 设置（BCP 195）；缺少我方证书时有的设备也这样应答",
                ],
            ],
            Self::TlsFailed => [
                ["TLS was not agreed upon", "TLS 协商失败"],
                ["TLS 1.2 with ECDHE and AEAD, or TLS 1.3", "TLS 1.2（ECDHE、AEAD）或 TLS 1.3"],
                ["look into the log of the device for its side of the handshake", "查看设备日志中的握手记录"],
            ],
            Self::TlsExpected => [
                ["the port speaks TLS and was called without", "该端口使用 TLS，我方却以明文呼叫"],
                ["a port without TLS", "明文端口"],
                [
                    "call with TLS (no plain:// in the record of the device; --ca-file on the command line)",
                    "改用 TLS 呼叫（设备记录中去掉 plain://；命令行加 --ca-file）",
                ],
            ],
            Self::AssociationSilent => [
                [
                    "the port is open and the request for an association gets no answer",
                    "端口开放，但对关联请求没有应答",
                ],
                ["A-ASSOCIATE-AC or A-ASSOCIATE-RJ", "A-ASSOCIATE-AC 或 A-ASSOCIATE-RJ"],
                [
                    "check that this is the DICOM port; a port that speaks TLS, another service or a device that hangs says nothing too",
                    "确认这是 DICOM 端口；TLS 端口、其他服务或已死机的设备同样没有反应",
                ],
            ],
            Self::HungUp => [
                [
                    "the peer hung up instead of answering the request for an association",
                    "对方没有应答关联请求就挂断了",
                ],
                ["A-ASSOCIATE-AC or A-ASSOCIATE-RJ", "A-ASSOCIATE-AC 或 A-ASSOCIATE-RJ"],
                [
                    "enter the address of this machine and our AE title on the device; a port that speaks TLS, or one that refuses \
                     our certificate, hangs up as well",
                    "在设备上登记本机地址和我方 AE 名称；TLS 端口或拒绝我方证书的端口也会挂断",
                ],
            ],
            Self::NotDicom => [
                ["what answers does not speak DICOM as the standard has it", "对方的应答不符合 DICOM"],
                ["a DICOM node on this port", "该端口上有 DICOM 节点"],
                [
                    "check the port number: another service may listen there",
                    "检查端口号：可能是其他服务在监听",
                ],
            ],
            Self::CalledAeUnknown => [
                ["the peer does not go by the AE title that was called", "对方不认可被叫 AE 名称"],
                ["the AE title of the peer, with its upper and lower case", "对方的 AE 名称（区分大小写）"],
                ["correct the AE title of the peer on our side", "在我方更正对方的 AE 名称"],
            ],
            Self::CallingAeUnknown => [
                ["the peer does not know our AE title", "对方不认识我方 AE 名称"],
                ["our AE title to be registered on the peer", "对方已登记我方 AE 名称"],
                [
                    "register our AE title, address and port on the device, or call by the title that it knows",
                    "在设备上登记我方 AE 名称、地址和端口，或改用它认识的名称呼叫",
                ],
            ],
            Self::PeerBusy => [
                ["the peer takes no more associations at present", "对方暂时不接受更多连接"],
                ["an association that is free", "有空闲的连接"],
                [
                    "try again; if it stays, raise the limit of associations on the device",
                    "稍后重试；若持续出现，调高设备的连接上限",
                ],
            ],
            Self::Rejected => [
                [
                    "the peer rejects the association without a reason that helps",
                    "对方拒绝关联，未给出可用的原因",
                ],
                ["A-ASSOCIATE-AC", "A-ASSOCIATE-AC"],
                [
                    "look into the log of the device: certificate, address or title do not fit its record of us",
                    "查看设备日志：证书、地址或名称与它的登记不符",
                ],
            ],
            Self::VerificationRefused => [
                ["the peer accepts the association but not C-ECHO", "对方接受关联，但不接受 C-ECHO"],
                [
                    "the SOP class Verification in Implicit VR Little Endian",
                    "Verification SOP 类（Implicit VR Little Endian）",
                ],
                [
                    "the connection works; switch verification on at the device, or try what is really needed",
                    "连接本身正常；在设备上启用 Verification，或直接试用所需功能",
                ],
            ],
            Self::Aborted => [
                ["the peer aborted the association", "对方中止了关联"],
                ["an answer", "应答"],
                [
                    "look into the log of the device for why it aborts; some do so to an AE title or address that they do not know",
                    "查看设备日志中的中止原因；有的设备遇到未登记的 AE 名称或地址也会中止",
                ],
            ],
            Self::EchoSilent => [
                ["the association stands and C-ECHO gets no answer", "关联已建立，但 C-ECHO 没有应答"],
                ["C-ECHO-RSP", "C-ECHO-RSP"],
                [
                    "look whether the DICOM service of the device hangs; restart it",
                    "检查设备的 DICOM 服务是否卡死，必要时重启",
                ],
            ],
            Self::EchoFailed => [
                ["C-ECHO was answered with a failure", "C-ECHO 应答为失败"],
                ["status success (0000H)", "状态为成功（0000H）"],
                [
                    "the connection works; look into the log of the device for this status",
                    "连接本身正常；按此状态查看设备日志",
                ],
            ],
            Self::ConnectionLost => [
                ["the connection broke", "连接中断"],
                ["an answer", "应答"],
                [
                    "try again; if it stays, look for a firewall that cuts connections",
                    "重试；若持续出现，检查是否有防火墙切断连接",
                ],
            ],
        }
    }
}

impl Bilingual {
    /// The text in Chinese, or in English.
    #[must_use]
    pub const fn in_chinese(self, chinese: bool) -> &'static str {
        if chinese { self.zh } else { self.en }
    }
}

// === helpers ===

const fn text([en, zh]: [&'static str; 2]) -> Bilingual {
    Bilingual { en, zh }
}

fn unreachable(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::PortClosed,
        io::ErrorKind::TimedOut => Cause::HostSilent,
        _ => Cause::Unreachable,
    }
}

/// The cause of a wait that was in vain.
const fn silence(step: Step) -> Cause {
    match step {
        Step::Resolve => Cause::NameUnknown,
        Step::Connect => Cause::HostSilent,
        Step::Tls => Cause::TlsSilent,
        Step::Associate => Cause::AssociationSilent,
        Step::Echo => Cause::EchoSilent,
    }
}

const fn of_tls(fault: &TlsFault) -> Cause {
    match fault {
        TlsFault::Certificate(CertificateFault::UnknownAuthority) => Cause::PeerAuthorityUnknown,
        TlsFault::Certificate(CertificateFault::Expired) => Cause::PeerCertificateExpired,
        TlsFault::Certificate(CertificateFault::NotValidYet) => Cause::PeerCertificateNotYetValid,
        TlsFault::Certificate(CertificateFault::OtherHost) => Cause::PeerCertificateOtherHost,
        TlsFault::Certificate(CertificateFault::Revoked) => Cause::PeerCertificateRevoked,
        TlsFault::Certificate(CertificateFault::NotForServers | CertificateFault::Other(_)) => {
            Cause::PeerCertificateUnusable
        }
        TlsFault::CertificateWanted => Cause::CertificateWanted,
        TlsFault::OurAuthorityUnknown => Cause::OurAuthorityUnknown,
        TlsFault::OurCertificateExpired => Cause::OurCertificateExpired,
        TlsFault::OurCertificateRevoked => Cause::OurCertificateRevoked,
        TlsFault::OurCertificateRefused(_) => Cause::OurCertificateRefused,
        TlsFault::NothingInCommon(_) => Cause::TlsRefused,
        TlsFault::NotSpoken => Cause::TlsNotSpoken,
        TlsFault::HungUp(_) => Cause::TlsHungUp,
        TlsFault::Ended(AlertDescription::CloseNotify | AlertDescription::UserCanceled) => Cause::TlsHungUp,
        TlsFault::Ended(_) | TlsFault::Other(_) => Cause::TlsFailed,
    }
}

fn of_association(error: &AssociationError, step: Step, tls: bool) -> Cause {
    let gone = if step == Step::Associate { Cause::HungUp } else { Cause::ConnectionLost };
    match error {
        AssociationError::Io(_) | AssociationError::Closed(_) => gone,
        AssociationError::TimedOut { .. } => silence(step),
        AssociationError::Pdu(PduError::UnknownKind(kind)) if !tls && TLS_RECORD_KINDS.contains(kind) => {
            Cause::TlsExpected
        }
        AssociationError::Rejected(rejection) => match rejection.reason {
            RejectReason::CalledAeNotRecognised => Cause::CalledAeUnknown,
            RejectReason::CallingAeNotRecognised => Cause::CallingAeUnknown,
            RejectReason::TemporaryCongestion | RejectReason::LocalLimitExceeded => Cause::PeerBusy,
            RejectReason::NoReason
            | RejectReason::ApplicationContextNotSupported
            | RejectReason::ProviderNoReason
            | RejectReason::ProtocolVersionNotSupported
            | RejectReason::Reserved { .. } => Cause::Rejected,
        },
        AssociationError::Aborted(_) => Cause::Aborted,
        AssociationError::Pdu(_)
        | AssociationError::Unexpected { .. }
        | AssociationError::UnknownContext(_)
        | AssociationError::PeerLimit(_)
        | AssociationError::Source(_) => Cause::NotDicom,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{AbortSource, AssociateRj};
    use std::time::Duration;

    #[test]
    fn every_cause_is_explained_in_both_languages_and_no_two_are_the_same() {
        let mut seen = std::collections::BTreeSet::new();
        for cause in Cause::ALL {
            let Explanation { what, expected, remedy } = cause.explanation();
            for text in [what, expected, remedy] {
                assert!(!text.en.is_empty() && text.en.is_ascii(), "{cause}: {}", text.en);
                assert!(!text.zh.is_empty(), "{cause}");
            }
            assert!(seen.insert(what.en) && seen.insert(what.zh), "{cause}");
            assert!(!remedy.en.ends_with('.') && !remedy.zh.ends_with('。'), "{cause}");
        }
    }

    #[test]
    fn the_same_silence_has_another_cause_in_each_step() {
        let silent = || ScuError::TimedOut {
            destination: "X@192.0.2.1:104".parse().unwrap(),
            after: Duration::from_secs(1),
        };
        let causes = [Step::Resolve, Step::Connect, Step::Tls, Step::Associate, Step::Echo]
            .map(|step| Cause::of(&silent(), step, true));
        let distinct: std::collections::BTreeSet<_> = causes.iter().collect();
        assert_eq!(distinct.len(), causes.len(), "{causes:?}");
    }

    #[test]
    fn an_answer_of_tls_to_plain_dicom_is_told_from_other_bytes() {
        let answer = |kind| ScuError::Association(AssociationError::Pdu(PduError::UnknownKind(kind)));
        assert_eq!(Cause::of(&answer(0x15), Step::Associate, false), Cause::TlsExpected);
        assert_eq!(Cause::of(&answer(0x15), Step::Associate, true), Cause::NotDicom);
        assert_eq!(Cause::of(&answer(b'H'), Step::Associate, false), Cause::NotDicom);
    }

    #[test]
    fn a_rejection_names_the_title_that_is_wrong() {
        let rejected = |reason| {
            ScuError::Association(AssociationError::Rejected(AssociateRj { transient: false, reason }))
        };
        for (reason, cause) in [
            (RejectReason::CalledAeNotRecognised, Cause::CalledAeUnknown),
            (RejectReason::CallingAeNotRecognised, Cause::CallingAeUnknown),
            (RejectReason::LocalLimitExceeded, Cause::PeerBusy),
            (RejectReason::NoReason, Cause::Rejected),
            (RejectReason::Reserved { source: 3, reason: 9 }, Cause::Rejected),
        ] {
            assert_eq!(Cause::of(&rejected(reason), Step::Associate, true), cause);
        }
    }

    #[test]
    fn who_hangs_up_before_the_association_is_not_who_hangs_up_within() {
        let closed = || ScuError::Association(AssociationError::Closed("between two PDUs"));
        assert_eq!(Cause::of(&closed(), Step::Associate, false), Cause::HungUp);
        assert_eq!(Cause::of(&closed(), Step::Echo, false), Cause::ConnectionLost);
        let aborted = ScuError::Association(AssociationError::Aborted(AbortSource::User));
        assert_eq!(Cause::of(&aborted, Step::Echo, false), Cause::Aborted);
    }
}
