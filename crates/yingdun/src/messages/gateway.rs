//! Words about interfaces and TLS.

use super::Language;

messages! {
    interfaces_covered(all, owned, encrypted, authenticated) {
        "接口共 {all} 个：有责任人 {owned}，加密 {encrypted}，需认证 {authenticated}（其余为认证入口或公开说明）"
        "{all} interfaces: {owned} with an owner, {encrypted} encrypted, {authenticated} that ask who calls (the others are how that is done, or tell what everybody may know)"
    }
    interfaces_without_zones() {
        "未声明网络区域（gateway.zones）：凡能连到端口的地址都可发起请求"
        "no zones are declared (gateway.zones): whoever reaches a port may ask"
    }
    tls_posture(door, versions, suites, groups, client, certificate) {
        "{door}\n  TLS：{versions}\n  套件：{suites}\n  密钥交换：{groups}\n  客户端证书：{client}\n  证书：{certificate}"
        "{door}\n  TLS: {versions}\n  suites: {suites}\n  key exchange: {groups}\n  client certificate: {client}\n  certificate: {certificate}"
    }
}
