//! Time, memory, agreement and seams of a model on a picture:
//! `cargo run --example figures -- MODEL.onnx PICTURE.png RESULT.png [--uncut]`.
//!
//! With `--uncut` the picture is also computed in one piece by the same numbers about the whole, which takes as much memory
//! as it takes: what cutting alone changes, not what measuring on a thumbnail does.

#![allow(clippy::print_stdout, reason = "it prints figures")]

use rayswarm_model::Resolution;
use rayswarm_models::{Network, Painter, Source, painter::Manner, picture::CHANNELS, recipe::Colours, tiling::Cells};
use std::{error::Error, fs, io::Cursor, time::Instant};

/// Three planes of a whole result.
struct Canvas {
    size: Resolution,
    values: Vec<f32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, picture, result, rest @ ..] = arguments.as_slice() else {
        return Err("usage: figures MODEL.onnx PICTURE.png RESULT.png [--uncut]".into());
    };
    let begun = Instant::now();
    let network = Network::read(&fs::read(model)?)?;
    let manner = Manner {
        values: network.guess_values()?,
        colours: Colours::Rgb,
        strength: 100,
    };
    println!(
        "{:?}, {} bytes a pixel, {} statistics, values {}",
        network.reach(),
        network.bytes_per_pixel(),
        network.statistics(),
        manner.values
    );
    println!("read in {:?}, peak {} MiB", begun.elapsed(), peak_mib());
    let source = read(picture)?;
    let begun = Instant::now();
    let painter = Painter::new(network.clone(), source.clone(), manner)?;
    println!(
        "measured in {:?}, cells of {}, peak {} MiB",
        begun.elapsed(),
        painter.cells().step(),
        peak_mib()
    );
    let begun = Instant::now();
    let cut = paint(&painter)?;
    println!("{} painted in {:?}, peak {} MiB", cut.size, begun.elapsed(), peak_mib());
    let (down, across) = (
        seams(&cut, painter.cells().step(), true),
        seams(&cut, painter.cells().step(), false),
    );
    println!("gradient across borders against inside: {down:.3} across columns, {across:.3} across rows");
    write(result, &cut)?;
    if rest.iter().any(|word| word == "--uncut") {
        let side = source
            .resolution()
            .width
            .max(source.resolution().height)
            .next_multiple_of(64);
        let cells = Cells::new(source.resolution(), network.reach(), side);
        let begun = Instant::now();
        let uncut = paint(&Painter::with_cells(network, source, manner, cells)?)?;
        println!(
            "uncut in {:?}, peak {} MiB, PSNR {:.1} dB",
            begun.elapsed(),
            peak_mib(),
            psnr(&cut, &uncut)
        );
    }
    Ok(())
}

fn paint(painter: &Painter) -> Result<Canvas, Box<dyn Error>> {
    let size = painter.cells().result();
    let (width, plane) = (size.width as usize, size.pixels() as usize);
    let mut values = vec![0.0; plane * CHANNELS];
    for cell in painter.cells().touching(size.whole()) {
        let made = painter.paint(&cell)?;
        for channel in 0..CHANNELS {
            for row in 0..made.height {
                let to = channel * plane + (cell.result.y as usize + row) * width + cell.result.x as usize;
                let from = (channel * made.height + row) * made.width;
                values[to..to + made.width].copy_from_slice(&made.values[from..from + made.width]);
            }
        }
    }
    Ok(Canvas { size, values })
}

/// Mean difference between neighbours where cells meet, divided by that at all other places.
fn seams(canvas: &Canvas, step: u32, columns: bool) -> f64 {
    let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
    let (length, offset) = if columns { (width, 1) } else { (height, width) };
    let mut sums = [(0.0, 0.0); 2];
    for at in 1..length {
        let is_border = at % step as usize == 0;
        let other = if columns { height } else { width };
        for along in 0..other {
            let place = if columns {
                along * width + at
            } else {
                at * width + along
            };
            for channel in 0..CHANNELS {
                let here = channel * width * height + place;
                let sum = &mut sums[usize::from(is_border)];
                sum.0 += f64::from((canvas.values[here] - canvas.values[here - offset]).abs());
                sum.1 += 1.0;
            }
        }
    }
    let [inside, border] = sums.map(|(sum, count)| sum / count);
    border / inside
}

fn psnr(one: &Canvas, other: &Canvas) -> f64 {
    let squares = one
        .values
        .iter()
        .zip(&other.values)
        .map(|(one, other)| f64::from(one - other).powi(2));
    -10.0 * (squares.sum::<f64>() / one.values.len() as f64).log10()
}

fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

fn read(path: &str) -> Result<Source, Box<dyn Error>> {
    let mut decoder = png::Decoder::new(Cursor::new(fs::read(path)?));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let info = reader.next_frame(&mut pixels)?;
    let channels = info.color_type.samples();
    let resolution = Resolution {
        width: info.width,
        height: info.height,
    };
    let colours = pixels.chunks_exact(channels).flat_map(|pixel| {
        let at = |channel: usize| u16::from(pixel[if channels < 3 { 0 } else { channel }]);
        [at(0), at(1), at(2)]
    });
    Ok(Source::new(resolution, colours.collect(), 255)?)
}

fn write(path: &str, canvas: &Canvas) -> Result<(), Box<dyn Error>> {
    let plane = canvas.size.pixels() as usize;
    let byte = |at: usize| (canvas.values[at] * 255.0).round() as u8;
    let pixels: Vec<u8> = (0..plane)
        .flat_map(|at| [byte(at), byte(plane + at), byte(2 * plane + at)])
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, canvas.size.width, canvas.size.height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(fs::write(path, bytes)?)
}
