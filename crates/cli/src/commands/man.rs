//! `rayswarm man`: a manual page for each command, for whoever packages the program.

use crate::{
    args::{Args, ManArgs},
    exit::{self, BadInput, ExitCode},
    show,
};
use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::{
    fs,
    io::{self, Write},
};

/// One manual page.
struct Page {
    /// Its file's name, for example `rayswarm-jobs-list.1`.
    name: String,
    /// What the file holds.
    text: Vec<u8>,
}

pub async fn run(args: ManArgs) -> anyhow::Result<ExitCode> {
    let folder = args.folder;
    let unwritable = || {
        BadInput(format!(
            "manual pages cannot be written to {}; name another folder",
            folder.display()
        ))
    };
    fs::create_dir_all(&folder).with_context(unwritable)?;
    for page in pages().context("the manual pages cannot be made")? {
        let path = folder.join(&page.name);
        fs::write(&path, &page.text).with_context(unwritable)?;
        show::line(path.display());
    }
    Ok(ExitCode::Success)
}

/// The program's page, and one of each command that is not hidden.
fn pages() -> io::Result<Vec<Page>> {
    let mut program = Args::command()
        .disable_help_subcommand(true)
        // The exit codes are a table, which running text would spoil: they have a section of their own.
        .after_help(None::<&'static str>);
    program.build();
    let mut pages = Vec::new();
    add(&program, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    man.render(&mut text)?;
    write!(text, ".SH \"EXIT STATUS\"\n.nf\n{}\n.fi\n", exit_codes())?;
    pages.push(Page {
        name: man.get_filename(),
        text,
    });
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add(below, pages)?;
    }
    Ok(())
}

/// The table of exit codes without its heading.
fn exit_codes() -> String {
    let table: Vec<&str> = exit::HELP.lines().skip(1).collect();
    table.join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{collections::BTreeSet, path::PathBuf};

    /// The names that there should be, made from what can be typed.
    fn expect(command: &Command, above: Option<&str>, names: &mut BTreeSet<String>) {
        let own = command.get_name();
        let name = above.map_or_else(|| own.to_owned(), |above| format!("{above}-{own}"));
        names.insert(format!("{name}.1"));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            expect(below, Some(&name), names);
        }
    }

    /// A page as it is read, hyphens without their escapes.
    fn read(name: &str) -> String {
        let page = pages().unwrap().into_iter().find(|page| page.name == name).unwrap();
        String::from_utf8(page.text).unwrap().replace("\\-", "-")
    }

    #[test]
    fn every_visible_command_has_a_page_and_no_hidden_one() {
        let mut expected = BTreeSet::new();
        expect(&Args::command(), None, &mut expected);
        let pages = pages().unwrap();
        let names: BTreeSet<String> = pages.iter().map(|page| page.name.clone()).collect();
        assert_eq!(names, expected);
        assert_eq!(pages.len(), expected.len(), "two pages have one name");
        assert!(names.contains("rayswarm.1") && names.contains("rayswarm-jobs-list.1"));
        assert!(!names.contains("rayswarm-model-session.1") && !names.contains("rayswarm-man.1"));
    }

    #[test]
    fn a_page_tells_what_can_be_typed_and_what_the_exit_codes_mean() {
        let page = read("rayswarm-up.1");
        assert!(
            page.contains("--rpc-listen") && page.contains("RAYSWARM_DATA"),
            "{page}"
        );
        assert!(!page.contains("--with-parent"), "{page}");
        let (_, codes) = page.split_once("EXIT STATUS").unwrap();
        assert!(codes.contains("  130  interrupted"), "{codes}");
        assert_eq!(read("rayswarm.1").matches("tried and failed").count(), 1);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_bad_input() {
        let folder = PathBuf::from("/dev/null/pages");
        let error = run(ManArgs { folder }).await.unwrap_err();
        assert_eq!(exit::code_of(&error), ExitCode::BadInput);
        assert!(error.to_string().contains("/dev/null/pages"), "{error}");
    }
}
