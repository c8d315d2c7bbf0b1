//! What a disc says of itself to whoever finds it, in plain text.

use super::volume::DiscSnapshot;

const LINE: &str = "------------------------------------------------------------------------";

/// The text of a disc.
pub(crate) fn text(
    volume: u64,
    label: &str,
    institution: &str,
    store: &str,
    snapshot: Option<&DiscSnapshot>,
) -> String {
    let (english, chinese) = match snapshot {
        Some(snapshot) => (
            format!(
                "snapshot/        snapshot {}: catalogue and accounts sealed under a key of this disc,\n                 the audit log, the list of discs\n",
                snapshot.number
            ),
            format!(
                "snapshot/        快照 {}：用本盘密钥密封的目录与账户、审计日志、光盘名录\n",
                snapshot.number
            ),
        ),
        None => (String::new(), String::new()),
    };
    format!(
        "\
YINGDUN ARCHIVE DISC   {label}   volume {volume}
institution: {institution}   store: {store}

What this is
  One of the discs on which an archive of medical images (DICOM), Yingdun, keeps copies. Everything in
  packs/ is encrypted. Without the keys of the archive nothing on this disc can be opened, and the keys
  are on no disc. What was destroyed in the archive stays closed here, because its key is gone.
  If you have found this disc, please return it to the institution.

What it needs to be read back
  1. The other discs of the set; volumes are numbered from 1.
  2. The folder with keys of the vault (kept apart), with its passphrase.
  3. The passphrase or the shares of the archive's root key.
  4. The program `yingdun`:
       yingdun vault disc verify  DIR --public-key-file vault.vkey     is it whole? needs no key
       yingdun vault disc restore --disc DIR                           brings packs into a vault
       yingdun vault disc recover --disc DIR                           makes a vault again of discs alone
       yingdun vault restore                                           makes an archive of the vault
  Without the program: `b3sum --check contents.b3` finds what is damaged.

What is on it
README.txt       this text
volume.note      what the vault signed (C2SP signed-note, Ed25519): one line of JSON with number, label,
                 BLAKE3 of the note of the volume before, BLAKE3 of packs.txt and of contents.b3
packs.txt        one line for each pack: number (16 hexadecimal digits), bytes, BLAKE3, records
contents.b3      BLAKE3 of every file but the note and the two lists
again/           these three files once more
vault.vkey       the public key; trust the one that the institution noted elsewhere
packs/           packs, byte for byte as in the archive: a header of 72 bytes (`YDPACK01`), then records
                 (`YDRECRD1`, header of 224 bytes, then sealed descriptor, metadata, object), numbers
                 little-endian, each at a multiple of 8 bytes; every record carries its own BLAKE3
{english}
{LINE}

影盾归档光盘   {label}   第 {volume} 卷
机构：{institution}   存储：{store}

这是什么
  医学影像（DICOM）归档系统“影盾”的一份离线拷贝。packs/ 中的内容全部加密，没有归档的密钥无法打开，而密钥不在
  任何光盘上。归档中已销毁的检查在此也打不开，因为它的密钥已不存在。
  如果您拾到本盘，请归还上述机构。

读回需要什么
  1. 同一套的其他光盘（卷号从 1 开始）。
  2. 保险库的密钥目录（另行保管）及其口令。
  3. 归档根密钥的口令或份额。
  4. 程序 `yingdun`：
       yingdun vault disc verify  DIR --public-key-file vault.vkey     核验是否完好，不需要密钥
       yingdun vault disc restore --disc DIR                           把包取回保险库
       yingdun vault disc recover --disc DIR                           仅由光盘重建保险库
       yingdun vault restore                                           由保险库恢复归档
  没有程序时：`b3sum --check contents.b3` 可找出损坏的文件。

内容
README.txt       本文
volume.note      保险库签名的说明（C2SP signed-note，Ed25519）：一行 JSON，含卷号、卷标、上一卷的 BLAKE3、
                 packs.txt 与 contents.b3 的 BLAKE3
packs.txt        每包一行：编号（16 位十六进制）、字节数、BLAKE3、记录数
contents.b3      除说明与两个清单外每个文件的 BLAKE3
again/           上述三个文件的又一份
vault.vkey       公钥；请以机构另行记录的为准
packs/           包，与归档中逐字节相同：72 字节包头（`YDPACK01`），其后为记录（`YDRECRD1`，224 字节记录头，
                 随后是密封的描述、元数据、对象），数字为小端序，各记录从 8 字节的倍数处开始并带有自己的 BLAKE3
{chinese}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_says_whose_it_is_in_both_languages() {
        let text = text(7, "YINGDUN_000007", "renmin", "00ff", None);
        for words in ["volume 7", "第 7 卷", "institution: renmin", "机构：renmin", "store: 00ff"] {
            assert!(text.contains(words), "{words}");
        }
        assert!(!text.contains("snapshot/"));
    }
}
