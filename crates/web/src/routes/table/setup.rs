//! The first hour of an installation: one address, three officers. What it needs is that address, and then the cookie of the browser
//! that opened it; there is no session in it.

use super::common::{field, open, optional, path, query};
use crate::routes::words::{BodyRule, Family, Method, Parameter, Route, Schema};

const HTML: &[&str] = &["text/html; charset=utf-8"];
const LANGUAGE: Parameter =
    query("language", Schema::Word(&["zh-CN", "en"]), "The language to show it in, from now on");
const LINK: Parameter = path("token", Schema::Text, "What the address ends in");
const FORM_TOKEN: Parameter = field("form_token", Schema::Text, "Proof that the form was opened here");
const OFFICERS: &[Parameter] = &[
    field("system", Schema::Text, "Login name of the system administrator"),
    field("security", Schema::Text, "Login name of the security administrator"),
    field("audit", Schema::Text, "Login name of the audit administrator"),
    optional("three_people", Schema::Text, "yes: the three accounts are of three people"),
    FORM_TOKEN,
];
const OFFICE: &[Parameter] = &[field("role", Schema::Text, "The office"), FORM_TOKEN];
const CLOSED: &str = "There is nothing to set up, or not from this browser";
const FOREIGN: &str = "The form was not opened here, or not from this browser";

rows! {
    /// The address: the button. Opening it spends nothing, because programs open links too.
    SetupLinkForm => open(Method::Get, "/setup/{token}", Family::Page, BodyRule::None, &[LINK, LANGUAGE], HTML, &[(200, "The button"), (303, "This browser has opened it before and goes on")], "首次设置地址", "The button behind the address of the first hour"),
    /// The address: the button was pressed.
    SetupLink => open(Method::Post, "/setup/{token}", Family::Page, BodyRule::Form(list![FORM_TOKEN]), &[LINK], HTML, &[(303, "It is this browser's"), (401, "The address is not accepted"), (403, "The form was not opened here")], "打开首次设置", "Open the first hour in this browser"),
    /// Where the browser is.
    SetupPage => open(Method::Get, "/setup", Family::Page, BodyRule::None, list![LANGUAGE, query("step", Schema::Word(&["officers", "next"]), "officers or next, to look there")], HTML, &[(200, "The step"), (403, CLOSED)], "首次设置页", "The page of the first hour"),
    /// The officers were named.
    SetupOfficers => open(Method::Post, "/setup/officers", Family::Page, BodyRule::Form(OFFICERS), &[], HTML, &[(303, "They are named"), (400, "They are not three people, or a name is none"), (403, FOREIGN), (409, "They were named before")], "确定三员", "Name the three officers"),
    /// An officer's link was asked for.
    SetupInvitation => open(Method::Post, "/setup/invitation", Family::Page, BodyRule::Form(OFFICE), &[], HTML, &[(200, "The link, once"), (403, FOREIGN), (409, "The officer has a password by now")], "生成管理员的邀请链接", "Make the invitation of an officer"),
    /// The browser is let go.
    SetupEnd => open(Method::Post, "/setup/end", Family::Page, BodyRule::Form(list![FORM_TOKEN]), &[], HTML, &[(303, "To the sign-in"), (403, FOREIGN)], "结束首次设置", "Let this browser go"),
}
