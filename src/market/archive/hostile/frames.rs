//! What is wrong around the tar: its end, its frame, and what hides behind either.

use super::make::{Case, Tar, case, compress, noise, skippable, window};

const END: &str = "two blocks of zeros and nothing else";
const DAMAGED: &str = "it is damaged or cut short";
const BEHIND: &str = "there are bytes behind its end";

pub fn cases() -> Vec<Case> {
    let mut cases = ends();
    cases.extend(frames());
    cases.extend(cuts());
    cases
}

fn sample() -> Tar {
    Tar::default().file("a", &noise(1, 2000))
}

fn ends() -> Vec<Case> {
    let whole = sample().bytes();
    let behind = |more: &[u8]| compress(&[&whole[..], more].concat());
    let one_block = [sample().open(), vec![0; 512]].concat();
    let mut second_block = whole.clone();
    let last = second_block.len() - 1;
    second_block[last] = 1;
    let hidden = Tar::default().file("../pwned", b"x").bytes();
    vec![
        case("no end", compress(&sample().open()), END),
        case("one block of zeros at the end", compress(&one_block), END),
        case("second block not of zeros", compress(&second_block), END),
        case("a third block of zeros", behind(&[0; 512]), END),
        case("a byte behind the tar", behind(b"x"), END),
        case("a second tar behind the first", behind(&hidden), END),
        case("a hidden file behind one block of zeros", compress(&[one_block, hidden].concat()), END),
        case("nothing but the end", compress(&[0; 1024]), "0 files where 1 were signed"),
        case("an empty tar", compress(b""), END),
        case("text for a tar", compress(&b"not a tar at all\n".repeat(100)), "numeric field was not a number"),
    ]
}

fn frames() -> Vec<Case> {
    let tar = sample().bytes();
    let frame = compress(&tar);
    let flipped = |at: usize| {
        let mut bytes = frame.clone();
        bytes[at] ^= 0x55;
        bytes
    };
    let reserved = {
        // Behind the magic number and two bytes of frame header.
        let mut bytes = frame.clone();
        bytes[6] |= 0b110;
        bytes
    };
    let checked = {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("encoder");
        encoder.include_checksum(true).expect("checksum");
        std::io::Write::write_all(&mut encoder, &tar).expect("write");
        let mut bytes = encoder.finish().expect("finish");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes
    };
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &tar).expect("write");
        encoder.finish().expect("finish")
    };
    vec![
        case("no frame: the bare tar", tar, DAMAGED),
        case("gzip", gzip, DAMAGED),
        case("one byte", vec![0x28], DAMAGED),
        case("noise", noise(7, 5000), DAMAGED),
        case("wrong magic number", flipped(0), DAMAGED),
        case("a block of the reserved kind", reserved, DAMAGED),
        case("a wrong checksum of the frame", checked, DAMAGED),
        case("a window of 16 MiB", window(24), DAMAGED),
        case("a window of 128 MiB", window(27), DAMAGED),
        case("a window of 2 GiB", window(31), DAMAGED),
        case("a byte behind the frame", [&frame[..], b"\0"].concat(), BEHIND),
        case("a second frame", [&frame[..], &frame].concat(), BEHIND),
        case("a skippable frame behind", [&frame[..], &skippable(b"hidden")].concat(), BEHIND),
        case("a skippable frame before", [&skippable(b"hidden")[..], &frame].concat(), END),
        case("nothing but a skippable frame", skippable(b"hidden"), END),
    ]
}

/// Cut at points of the tar, and of the frame.
fn cuts() -> Vec<Case> {
    let tar = sample().bytes();
    let frame = compress(&tar);
    let in_tar = [("the first header", 100), ("the content", 1000), ("the padding", 2513)];
    let in_tar = in_tar.map(|(what, at)| case(format!("a tar cut in {what}"), compress(&tar[..at]), DAMAGED));
    let at = [("its header", 5), ("its middle", frame.len() / 2), ("its last byte", frame.len() - 1)];
    let in_frame = at.map(|(what, at)| case(format!("a frame cut in {what}"), frame[..at].to_vec(), DAMAGED));
    let in_end = case("a tar cut in its end", compress(&tar[..tar.len() - 1]), END);
    in_tar.into_iter().chain(in_frame).chain([in_end]).collect()
}
