//! What is said of pictures that were found outside.

use super::Language;

messages! {
    leak_attributed(actor, role, time, leaf, log) {
        "该图像属于 {actor}（{role}）于 {time} 的一次查看：日志 {log} 第 {leaf} 条记录"
        "the picture is of a look of {actor} ({role}) at {time}: record {leaf} of the log {log}"
    }
    leak_copied(actor, role, time, leaf, log) {
        "该图像属于 {actor}（{role}）于 {time} 的一次受控截图或打印：日志 {log} 第 {leaf} 条记录"
        "the picture is of a capture or print of {actor} ({role}) at {time}: record {leaf} of the log {log}"
    }
    leak_of_nobody() {
        "未能归属：图中没有可读出的水印，或不是此检查的图像"
        "it is attributed to nobody: no mark can be read in it, or it does not show this study"
    }
    leak_sureness(deviations) {
        "把握：{deviations:.1} 个标准差（7 以上才作归属）"
        "how surely: {deviations:.1} standard deviations (nothing below 7 is attributed)"
    }
    leak_logs_missing() {
        "注意：有节点的日志未能查询，结果不完整"
        "the log of a node did not answer: the answer is not whole"
    }
}
