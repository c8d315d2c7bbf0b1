//! Names as they are borne in China. They never leave the hospital (records carry pseudonyms); they make namesakes, whose
//! records are mixed up, and families, whose children bear the father's name.

use crate::random::Random;

/// The first hundred surnames have 85.9 % of the people (national report on names, 2019). The shares in percent of the first
/// three are published there, those that follow are rounded; behind the twentieth each has 2 % less than the one before,
/// so that the sum is right.
const FREQUENT: [(char, f64); 20] = [
    ('王', 7.25),
    ('李', 7.19),
    ('张', 6.83),
    ('刘', 5.38),
    ('陈', 4.53),
    ('杨', 3.08),
    ('赵', 2.29),
    ('黄', 2.23),
    ('周', 2.12),
    ('吴', 2.05),
    ('徐', 1.67),
    ('孙', 1.54),
    ('胡', 1.31),
    ('朱', 1.26),
    ('高', 1.21),
    ('林', 1.18),
    ('何', 1.17),
    ('郭', 1.15),
    ('马', 1.05),
    ('罗', 0.95),
];

/// The twenty-first to the hundredth.
const COMMON: &str = "梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文";

/// Some of the thousands behind them.
const RARE: &str = "庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜肖詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂";

/// Characters of given names, the frequent ones first.
const GIVEN: &str = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰梅红建国文志海波宇浩然子涵欣怡梓轩雨泽佳琪思远嘉诚俊博雪婷晨鹏飞斌凯琳慧晓东春生永福德荣";

/// The share of the people who bear one of the first hundred surnames, in percent.
pub const FIRST_HUNDRED_PERCENT: f64 = 85.9;

/// A person's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Family name.
    pub surname: char,
    /// Given name, of one character or two.
    pub given: String,
}

/// Surnames with their shares, made once.
pub(crate) struct Names {
    surnames: Vec<char>,
    weights: Vec<f64>,
    given: Vec<char>,
    given_weights: Vec<f64>,
}

impl Names {
    pub(crate) fn new() -> Self {
        let mut surnames: Vec<char> = FREQUENT.iter().map(|(surname, _)| *surname).collect();
        let mut weights: Vec<f64> = FREQUENT.iter().map(|(_, percent)| *percent).collect();
        let left = FIRST_HUNDRED_PERCENT - weights.iter().sum::<f64>();
        let common: Vec<f64> =
            COMMON.chars().scan(1.0, |weight, _| Some(std::mem::replace(weight, *weight * 0.98))).collect();
        let all = common.iter().sum::<f64>();
        surnames.extend(COMMON.chars());
        weights.extend(common.iter().map(|weight| weight / all * left));
        let rare = RARE.chars().count() as f64;
        surnames.extend(RARE.chars());
        weights.extend(RARE.chars().map(|_| (100.0 - FIRST_HUNDRED_PERCENT) / rare));
        let given: Vec<char> = GIVEN.chars().collect();
        let given_weights = (0..given.len()).map(|rank| 1.0 / (rank as f64 + 6.0)).collect();
        Self { surnames, weights, given, given_weights }
    }

    pub(crate) fn surname(&self, random: &mut Random) -> char {
        self.surnames[random.weighted(&self.weights)]
    }

    pub(crate) fn given(&self, random: &mut Random) -> String {
        let characters = if random.chance(0.18) { 1 } else { 2 };
        (0..characters).map(|_| self.given[random.weighted(&self.given_weights)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_hundred_surnames_are_frequent_and_none_stands_twice() {
        let names = Names::new();
        assert_eq!(FREQUENT.len() + COMMON.chars().count(), 100);
        let different: BTreeSet<char> = names.surnames.iter().copied().collect();
        assert_eq!(different.len(), names.surnames.len());
        assert!((names.weights.iter().sum::<f64>() - 100.0).abs() < 1e-9);
        assert!(
            names.weights.windows(2).take(98).all(|pair| pair[0] >= pair[1] * 0.9),
            "{:?}",
            names.weights
        );
    }
}
