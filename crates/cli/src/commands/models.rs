//! `rayswarm models`: add, list, show, remove.

use super::render::existing_file;
use crate::{
    args::{ModelArgs, ModelNameArgs, ModelsCommand},
    daemon,
    exit::ExitCode,
    show,
};
use rayswarm_model::Bytes;
use rayswarm_node::models::{self, Entry, Examined, Told};
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, command: ModelsCommand) -> anyhow::Result<ExitCode> {
    let data_dir = daemon::data_dir(data_dir)?;
    match command {
        ModelsCommand::Add(args) => add(&data_dir, args).await,
        ModelsCommand::List(args) => list(&data_dir, args.json),
        ModelsCommand::Show(args) => show_one(&data_dir, &args),
        ModelsCommand::Remove(args) => remove(&data_dir, &args),
    }
}

async fn add(data_dir: &Path, args: ModelArgs) -> anyhow::Result<ExitCode> {
    let file = existing_file(&args.file)?;
    let told = Told {
        name: args.name,
        kind: args.kind,
        licence: args.licence,
        values: args.values,
        colours: args.colours,
    };
    let (entry, examined) = models::add(data_dir, &file, told).await?;
    if args.json {
        show::json(&entry)?;
    } else {
        print(&entry);
        print_examined(&examined);
        show::line(format_args!(
            "next      rayswarm render PICTURE.png --model {}",
            entry.name
        ));
    }
    Ok(ExitCode::Success)
}

fn list(data_dir: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let entries = models::shelf(data_dir).list();
    if json {
        show::json(&entries)?;
        return Ok(ExitCode::Success);
    }
    let mut table = show::table(["name", "kind", "scale", "size", "licence"]);
    for entry in entries {
        let (scale, size) = (format!("{}x", entry.scale), Bytes(entry.bytes).to_string());
        table.add_row([entry.name, entry.kind.to_string(), scale, size, entry.licence]);
    }
    show::line(table);
    Ok(ExitCode::Success)
}

fn show_one(data_dir: &Path, args: &ModelNameArgs) -> anyhow::Result<ExitCode> {
    let entry = models::shelf(data_dir).find(&args.name)?;
    if args.json {
        show::json(&entry)?;
    } else {
        print(&entry);
    }
    Ok(ExitCode::Success)
}

fn remove(data_dir: &Path, args: &ModelNameArgs) -> anyhow::Result<ExitCode> {
    let entry = models::shelf(data_dir).remove(&args.name)?;
    if args.json {
        show::json(&entry)?;
    } else {
        show::line(format_args!("removed {}", entry.name));
    }
    Ok(ExitCode::Success)
}

fn print(entry: &Entry) {
    show::line(format_args!("model     {} ({})", entry.name, entry.kind));
    show::line(format_args!("licence   {}", entry.licence));
    show::line(format_args!("scale     {}x", entry.scale));
    show::line(format_args!("values    {}, {}", entry.values, entry.colours));
    show::line(format_args!("file      {}, BLAKE3 {}", Bytes(entry.bytes), entry.hash));
}

fn print_examined(examined: &Examined) {
    let Examined {
        around,
        bytes_per_pixel,
        statistics,
        ..
    } = examined;
    show::line(format_args!(
        "pieces    each with {around} pixels around it, {bytes_per_pixel} bytes of memory a pixel"
    ));
    if *statistics > 0 {
        show::line(format_args!(
            "whole     {statistics} numbers about the whole picture are measured on a thumbnail"
        ));
    }
}
