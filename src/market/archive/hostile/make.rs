//! Making archives that no packer would make.

use std::io::Write;

use tar::{EntryType, Header};

/// A hostile archive, what its publisher signs as file count, and what its refusal says.
pub struct Case {
    pub name: String,
    pub archive: Vec<u8>,
    pub files: u32,
    pub refusal: &'static str,
}

/// A case whose publisher signs one file.
pub fn case(name: impl Into<String>, archive: Vec<u8>, refusal: &'static str) -> Case {
    Case { name: name.into(), archive, files: 1, refusal }
}

/// A tar being written block by block, so that anything can be in it.
#[derive(Clone, Default)]
pub struct Tar(Vec<u8>);

impl Tar {
    pub fn file(self, name: &str, content: &[u8]) -> Self {
        self.entry(name.as_bytes(), EntryType::Regular, content, 0o644)
    }

    pub fn dir(self, name: &str) -> Self {
        self.entry(name.as_bytes(), EntryType::Directory, b"", 0o755)
    }

    pub fn entry(self, name: &[u8], kind: EntryType, content: &[u8], mode: u32) -> Self {
        self.raw(&header(name, kind, content.len() as u64, mode), content)
    }

    pub fn link(self, kind: EntryType, name: &str, target: &str) -> Self {
        let mut link = header(name.as_bytes(), kind, 0, 0o777);
        link.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        link.set_cksum();
        self.raw(&link, b"")
    }

    /// Any header, any content, padded to whole blocks.
    pub fn raw(mut self, header: &Header, content: &[u8]) -> Self {
        self.0.extend(header.as_bytes());
        self.0.extend(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// With nothing at its end.
    pub fn open(self) -> Vec<u8> {
        self.0
    }

    /// With its two blocks of zeros.
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = self.0;
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    pub fn archive(self) -> Vec<u8> {
        compress(&self.bytes())
    }
}

/// A header with any name, which `Header::set_path` would refuse.
pub fn header(name: &[u8], kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.as_ustar_mut().expect("ustar").name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_cksum();
    header
}

/// A header of an empty file with `bytes` at `offset`, and a right checksum.
pub fn patched(offset: usize, bytes: &[u8]) -> Header {
    let mut header = header(b"a", EntryType::Regular, 0, 0o644);
    header.as_mut_bytes()[offset..offset + bytes.len()].copy_from_slice(bytes);
    header.set_cksum();
    header
}

pub fn compress(tar: &[u8]) -> Vec<u8> {
    zstd::encode_all(tar, 3).expect("compress")
}

/// The frame of a tar that begins with `header` and goes on with `zeros` bytes of zeros.
pub fn zeros_after(header: &Header, zeros: u64) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("encoder");
    encoder.write_all(header.as_bytes()).expect("write");
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), zeros), &mut encoder).expect("write");
    encoder.finish().expect("finish")
}

/// A frame whose reader needs a window of 2^`log` bytes.
pub fn window(log: u32) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("encoder");
    encoder.window_log(log).expect("window");
    encoder.write_all(&Tar::default().file("a", b"x").bytes()).expect("write");
    encoder.finish().expect("finish")
}

/// A skippable frame (RFC 8878 section 3.1.2).
pub fn skippable(content: &[u8]) -> Vec<u8> {
    [&0x184D_2A50_u32.to_le_bytes()[..], &(content.len() as u32).to_le_bytes(), content].concat()
}

/// Bytes that do not compress.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 8);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while out.len() < size {
        state = next(state);
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(size);
    out
}

/// The next number of a xorshift generator.
pub fn next(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ state << 17
}
