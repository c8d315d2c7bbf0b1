//! `login`, `invitation accept` and `password`: what a person does in a browser, from the command line.

use super::server::{AdminClientError, Server, cookie};
use super::{CommandError, Verdict, at, password, plain};
use crate::cli::{LoginArgs, PasswordArgs, ServerArgs};
use crate::messages::Language;
use crate::output::Output;
use crate::process::private::write_new;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::path::Path;
use yingdun_model::Secret;

/// The cookie in which the pages keep a session.
const SESSION_COOKIE: &str = "__Host-yingdun-session";

/// How far a sign-in has come, as the archive says it.
const WHOLE: &str = "whole";
const PROVE: &str = "prove";
const ENROL: &str = "enrol";

/// Signs in and keeps the token in a file for its owner alone.
pub(in crate::commands) async fn login(args: LoginArgs, output: Output) -> Result<Verdict, CommandError> {
    let password = password::read(args.password_file.as_deref(), output, Language::password_wanted)?;
    let server = Server::anonymous(&args.server)?;
    let role = args.role.as_deref().unwrap_or_default();
    let fields = [("name", args.name.as_str()), ("password", password.expose()), ("role", role)];
    let answer = server.send_form(&["login"], &fields).await?;
    let token = cookie(answer.headers(), SESSION_COOKIE).ok_or(AdminClientError::SignInRefused)?;
    let token = Secret::new(token);
    let stage = finish(&args, &token, output).await?;
    let file = &args.token_file;
    let failed = |cause| CommandError::File { path: file.clone(), cause };
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    write_new(file, token.expose().as_bytes(), 0o600).map_err(failed)?;
    output.say(&json!({"name": args.name, "token_file": file, "stage": stage}), |language| {
        if stage == ENROL {
            language.signed_in_to_enrol(&args.name, file.display())
        } else {
            language.signed_in(&args.name, file.display())
        }
    })?;
    Ok(Verdict::Good)
}

/// Proves the second factor of an account that has one. Gives how far the sign-in has come.
async fn finish(args: &LoginArgs, token: &Secret<String>, output: Output) -> Result<String, CommandError> {
    let server = Server::with_token(&args.server, token.clone())?;
    let state = server.ask(Method::GET, &["me", "second-factor"], &[], None).await?;
    let stage = plain(at(&state, "stage"));
    if stage != PROVE {
        return Ok(stage);
    }
    let code = password::read(args.code_file.as_deref(), output, Language::code_wanted)?;
    let body = json!({"code": code.expose()});
    server.ask(Method::POST, &["me", "second-factor", "proof"], &[], Some(body)).await?;
    Ok(WHOLE.to_owned())
}

/// Sets the password behind an invitation.
pub(in crate::commands) async fn accept_invitation(
    link: &str,
    password_file: Option<&Path>,
    server: &ServerArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    let password = password::read(password_file, output, Language::password_wanted)?;
    let token = link.rsplit('/').next().unwrap_or(link);
    let fields = [("password", password.expose().as_str()), ("again", password.expose())];
    let answer = Server::anonymous(server)?.send_form(&["enrol", token], &fields).await?;
    if answer.status() != StatusCode::OK {
        return Err(AdminClientError::InvitationRefused.into());
    }
    output.say(&json!({"accepted": true}), |language| language.done())?;
    Ok(Verdict::Good)
}

/// Changes the own password.
pub(in crate::commands) async fn change_password(
    args: PasswordArgs,
    output: Output,
) -> Result<Verdict, CommandError> {
    let present = password::read(Some(&args.password_file), output, Language::password_wanted)?;
    let new = password::read(args.new_password_file.as_deref(), output, Language::password_wanted)?;
    let body = json!({"present": present.expose(), "new": new.expose()});
    Server::of(&args.admin)?.ask(Method::POST, &["me", "password"], &[], Some(body)).await?;
    output.say(&json!({"changed": true}), |language| language.done())?;
    Ok(Verdict::Good)
}
