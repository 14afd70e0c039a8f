//! Entries that are no files, headers that lie, and too much of everything.

use std::path::Path;

use tar::EntryType;

use super::make::{Case, Tar, case, compress, header, next, noise, patched, zeros_after};

/// Where the fields of a header are.
const MODE: usize = 100;
const SIZE: usize = 124;
const CHECKSUM: usize = 148;

/// `outside` is a directory that must not be written to.
pub fn cases(outside: &Path) -> Vec<Case> {
    let mut cases = links(outside);
    cases.extend(kinds());
    cases.extend(extensions());
    cases.extend(numbers());
    cases.extend(amounts());
    cases
}

fn links(outside: &Path) -> Vec<Case> {
    let dir = outside.display().to_string();
    let file = outside.join("file").display().to_string();
    let symbolic = |name: &str, target: &str| Tar::default().link(EntryType::Symlink, name, target);
    let hard = |name: &str, target: &str| Tar::default().link(EntryType::Link, name, target);
    let up = "../../../outside";
    vec![
        case(
            "symlink to an absolute directory, then a write through it",
            symbolic("l", &dir).file("l/pwned", b"x").archive(),
            "is a symbolic link",
        ),
        case(
            "symlink upwards, then a write through it",
            symbolic("l", up).file("l/pwned", b"x").archive(),
            "is a symbolic link",
        ),
        case(
            "symlink to a file, then a file of its name",
            symbolic("l", &file).file("l", b"x").archive(),
            "is a symbolic link",
        ),
        case(
            "symlink with the name of a directory",
            symbolic("d/", up).dir("d/").file("d/pwned", b"x").archive(),
            "is a symbolic link",
        ),
        case(
            "symlink that stays inside",
            Tar::default().file("a", b"x").link(EntryType::Symlink, "l", "a").archive(),
            "is a symbolic link",
        ),
        case(
            "hard link to a file outside, then a write to it",
            hard("h", &file).file("h", b"x").archive(),
            "is a hard link",
        ),
        case("hard link to /etc/passwd", hard("h", "/etc/passwd").archive(), "is a hard link"),
        case(
            "hard link to a file of the archive",
            Tar::default().file("a", b"x").link(EntryType::Link, "h", "a").archive(),
            "is a hard link",
        ),
    ]
}

fn kinds() -> Vec<Case> {
    let of = |name: &str, kind: u8, refusal| {
        case(name, Tar::default().entry(b"f", EntryType::new(kind), b"", 0o644).archive(), refusal)
    };
    let moded = |name: &str, mode, refusal| {
        case(name, Tar::default().entry(b"f", EntryType::Regular, b"x", mode).archive(), refusal)
    };
    let special = "set-uid, set-gid and sticky files are not taken";
    let fake = Tar::default().file("../pwned", b"x").open();
    vec![
        of("character device", b'3', "is a device"),
        of("block device", b'4', "is a device"),
        of("pipe", b'6', "is a pipe"),
        of("contiguous file", b'7', "of an unknown kind"),
        of("volume label", b'V', "of an unknown kind"),
        of("list of a directory", b'D', "of an unknown kind"),
        of("kind that nobody knows", b'%', "of an unknown kind"),
        moded("set-uid file", 0o4755, special),
        moded("set-gid file", 0o2755, special),
        moded("sticky file", 0o1644, special),
        moded("mode with the bits of a device", 0o020_666, special),
        case(
            "directory with a header as its content",
            Tar::default().entry(b"d/", EntryType::Directory, &fake, 0o755).archive(),
            "is a directory with content",
        ),
        case("set-uid directory", Tar::default().entry(b"d/", EntryType::Directory, b"", 0o4755).archive(), special),
    ]
}

fn extensions() -> Vec<Case> {
    let extended = |name: &str, kind, content: &[u8], refusal| {
        case(name, Tar::default().entry(b"x", kind, content, 0o644).file("a", b"x").archive(), refusal)
    };
    let pax = "is a PAX extension";
    let gnu = "is a GNU extension";
    vec![
        extended("PAX header with another path", EntryType::XHeader, b"20 path=../../pwned\n", pax),
        extended("PAX header with another size", EntryType::XHeader, b"13 size=4096\n", pax),
        extended("PAX header with a link", EntryType::XHeader, b"24 linkpath=/etc/passwd\n", pax),
        extended("PAX header with a sparse map", EntryType::XHeader, b"22 GNU.sparse.major=1\n", pax),
        extended("PAX header that is garbage", EntryType::XHeader, b"\xff\xff", pax),
        extended("PAX header for all entries", EntryType::XGlobalHeader, b"20 path=../../pwned\n", pax),
        extended("GNU long name", EntryType::GNULongName, b"../../pwned\0", gnu),
        extended("GNU long link", EntryType::GNULongLink, b"/etc/passwd\0", gnu),
        extended("GNU sparse file", EntryType::GNUSparse, b"", gnu),
        extended("Solaris extended header", EntryType::new(b'X'), b"20 path=../../pwned\n", "of an unknown kind"),
    ]
}

fn numbers() -> Vec<Case> {
    let with = |name: &str, offset, bytes: &[u8], refusal| {
        case(name, Tar::default().raw(&patched(offset, bytes), b"").archive(), refusal)
    };
    let mut unsummed = patched(0, b"a");
    unsummed.as_mut_bytes()[0] = b'b';
    let mut garbage = patched(0, b"a");
    garbage.as_mut_bytes()[CHECKSUM..CHECKSUM + 8].copy_from_slice(b"zzzzzzzz");
    let not_a_number = "numeric field was not a number";
    vec![
        with("size of 1 TiB in base 256", SIZE, b"\x80\0\0\0\0\0\x01\0\0\0\0\0", "over 512 MiB together"),
        with("size of 2^64 - 1 in base 256", SIZE, b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", "size overflow"),
        with("negative size in base 256", SIZE, &[0xff; 12], "size overflow"),
        with("size of 8 GiB in octal", SIZE, b"77777777777\0", "over 512 MiB together"),
        with("size with a sign", SIZE, b"-0000000001\0", not_a_number),
        with("size that is no number", SIZE, b"zzzzzzzzzzz\0", not_a_number),
        with("mode that is no number", MODE, b"rwxr-xr\0", not_a_number),
        with("more content than there is", SIZE, b"00000010000\0", "it is damaged or cut short"),
        case("wrong checksum", Tar::default().raw(&unsummed, b"").archive(), "checksum"),
        case("checksum that is no number", Tar::default().raw(&garbage, b"").archive(), not_a_number),
    ]
}

fn amounts() -> Vec<Case> {
    // Noise, so that the ratio is not what stops them.
    let many = |count: usize| {
        (0..count).fold(Tar::default(), |tar, at| tar.file(&format!("{at:05x}"), &noise(at as u64 + 1, 100)))
    };
    let dirs = (0..20_001u64).fold(Tar::default(), |tar, at| {
        let one = next((at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (two, three) = (next(one), next(next(one)));
        tar.dir(&format!("{at:05x}-{one:016x}{two:016x}{three:016x}{:016x}/", next(three)))
    });
    let whole = header(b"zeros", EntryType::Regular, 512 << 20, 0o644);
    let small = header(b"zeros", EntryType::Regular, 64 << 20, 0o644);
    let one_more = header(b"zeros", EntryType::Regular, (512 << 20) + 1, 0o644);
    // A directory may be named again, but not without end.
    let again = Tar::default().dir("d/").open().repeat(40_000);
    vec![
        Case {
            name: "10,001 files".into(),
            archive: many(10_001).archive(),
            files: 10_000,
            refusal: "more than 10000 files",
        },
        case("one directory 40,000 times in a few bytes", compress(&again), "it unpacks to more than"),
        case("20,001 directories", dirs.archive(), "more than 20000 files and directories"),
        case("64 MiB of zeros in a few bytes", zeros_after(&small, 64 << 20), "it unpacks to more than"),
        case("512 MiB of zeros in a few bytes", zeros_after(&whole, 512 << 20), "it unpacks to more than"),
        case("a byte over 512 MiB", zeros_after(&one_more, 600 << 20), "over 512 MiB together"),
        case(
            "zeros without an end behind the tar",
            zeros_after(&patched(0, b"a"), 64 << 20),
            "two blocks of zeros and nothing else",
        ),
        case("more files than were signed", many(3).archive(), "more files than the 1 that were signed"),
        Case {
            name: "fewer files than were signed".into(),
            archive: many(2).archive(),
            files: 4,
            refusal: "2 files where 4 were signed",
        },
    ]
}
