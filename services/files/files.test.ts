import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { canCompileC, canCompileRust, cCode, rustCode } from "../wasm/testing/compilers.ts";
import { runWasi } from "./testing.ts";

/** Most of it is preparing modules of several hundred KiB. */
vi.setConfig({ testTimeout: 180_000 });

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "aios-files-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const BOTH = ["FS_READ:/projects/demo", "FS_WRITE:/projects/demo"];

const RUST = `
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
const D: &str = "/projects/demo";
fn walk(path: &str, depth: usize) {
    let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap()).collect();
    names.sort_by_key(|e| e.file_name());
    for e in names {
        let name = e.file_name().into_string().unwrap();
        println!("{}{}{}", " ".repeat(depth), name, if e.file_type().unwrap().is_dir() { "/" } else { "" });
        if e.file_type().unwrap().is_dir() { walk(&format!("{}/{}", path, name), depth + 1); }
    }
}
fn main() -> io::Result<()> {
    println!("args {:?}", std::env::args().collect::<Vec<_>>());
    println!("env {}", std::env::var("COLOR").unwrap());
    for line in io::stdin().lock().lines().take(2) { println!("line {}", line?); }
    fs::create_dir_all(format!("{}/a/b", D))?;
    fs::write(format!("{}/a/one.txt", D), "one\\n")?;
    let big: Vec<u8> = (0..120_000u32).map(|n| (n * 7 % 251) as u8).collect();
    fs::write(format!("{}/a/b/big", D), &big)?;
    assert_eq!(fs::read(format!("{}/a/b/big", D))?, big);
    let mut f = OpenOptions::new().append(true).open(format!("{}/a/one.txt", D))?;
    f.write_all(b"two\\n")?;
    drop(f);
    let mut f = OpenOptions::new().read(true).write(true).open(format!("{}/a/one.txt", D))?;
    f.seek(SeekFrom::Start(4))?;
    f.write_all(b"TWO")?;
    f.seek(SeekFrom::End(-8))?;
    let mut text = String::new();
    f.read_to_string(&mut text)?;
    print!("{}", text);
    f.set_len(3)?;
    f.sync_all()?;
    println!("size {}", fs::metadata(format!("{}/a/one.txt", D))?.len());
    fs::rename(format!("{}/a/one.txt", D), format!("{}/a/b/uno.txt", D))?;
    fs::copy(format!("{}/a/b/uno.txt", D), format!("{}/copy", D))?;
    for n in 0..40 { fs::write(format!("{}/a/f{}", D, n), "")?; }
    println!("entries {}", fs::read_dir(format!("{}/a", D))?.count());
    for n in 0..40 { fs::remove_file(format!("{}/a/f{}", D, n))?; }
    walk(D, 0);
    println!("missing {:?}", File::open(format!("{}/nothing", D)).unwrap_err().kind());
    println!("exists {:?}", fs::create_dir(format!("{}/a", D)).unwrap_err().kind());
    println!("outside {}", File::open("/etc/passwd").is_err());
    println!("above {}", File::open(format!("{}/../other/x", D)).is_err());
    println!("full {}", fs::remove_dir(format!("{}/a", D)).is_err());
    fs::remove_dir_all(format!("{}/a", D))?;
    println!("gone {}", fs::metadata(format!("{}/a", D)).is_err());
    std::process::exit(7);
}`;

const RUST_OUTPUT = `args ["worker", "x", "y z"]
env blue
line first
line second
one
TWO
size 3
entries 41
a/
 b/
  big
  uno.txt
copy
missing NotFound
exists AlreadyExists
outside true
above true
full true
gone true
`;

test.runIf(canCompileRust)("a Rust program works with files as std::fs says", async () => {
  const code = await rustCode(RUST);
  const outcome = await runWasi(code, {
    ...{ directory, capabilities: BOTH, args: ["x", "y z"], env: { COLOR: "blue" } },
    input: "first\nsecond\nthird\n",
  });
  expect(outcome).toEqual({ reason: "exited", code: 7, output: RUST_OUTPUT, errors: "" });
  expect(readFileSync(join(directory, "projects/demo/copy"), "utf8")).toBe("one");
});

const C = `
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#define D "/projects/demo/"
static void say(const char *what, int result) { printf("%s %s\\n", what, result < 0 ? strerror(errno) : "ok"); }
int main(int argc, char **argv) {
  char text[64] = {0};
  struct stat st;
  if (argc > 1 && !strcmp(argv[1], "read")) {
    FILE *f = fopen(D "note", "r");
    printf("read %s\\n", f && fgets(text, sizeof text, f) ? text : strerror(errno));
    say("write", (int)write(open(D "note", O_WRONLY), "x", 1));
    say("create", open(D "new", O_WRONLY | O_CREAT, 0600));
    say("unlink", unlink(D "note"));
    say("mkdir", mkdir(D "dir", 0700));
    return 0;
  }
  int fd = open(D "data", O_RDWR | O_CREAT | O_EXCL, 0600);
  say("open", fd);
  say("again", open(D "data", O_RDWR | O_CREAT | O_EXCL, 0600));
  say("pwrite", pwrite(fd, "abcdef", 6, 10));
  printf("pread %zd %s\\n", pread(fd, text, 3, 12), text);
  fstat(fd, &st);
  printf("size %lld, offset %lld\\n", (long long)st.st_size, (long long)lseek(fd, 0, SEEK_CUR));
  struct timespec times[2] = {{1000, 0}, {2000, 0}};
  say("futimens", futimens(fd, times));
  stat(D "data", &st);
  printf("times %lld %lld\\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
  say("link", link(D "data", D "hard"));
  stat(D "hard", &st);
  printf("links %d\\n", (int)st.st_nlink);
  say("symlink", symlink("data", D "soft"));
  say("outwards", symlink("../../other", D "bad"));
  say("absolute", symlink("/etc/passwd", D "bad"));
  ssize_t n = readlink(D "soft", text, sizeof text);
  printf("readlink %.*s\\n", (int)n, text);
  lstat(D "soft", &st);
  printf("is link %d\\n", S_ISLNK(st.st_mode));
  say("unlink open", unlink(D "data"));
  say("unlink hard", unlink(D "hard"));
  printf("pread %zd\\n", pread(fd, text, 3, 12));
  say("ftruncate", ftruncate(fd, 4));
  say("close", close(fd));
  say("closed", close(fd));
  say("rmdir file", rmdir(D "soft"));
  say("dangling", open(D "soft", O_RDONLY));
  say("folder", open(D, O_WRONLY));
  say("long", open(D "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", O_RDONLY));
  struct timespec a, b, pause = {0, 20000000};
  clock_gettime(CLOCK_MONOTONIC, &a);
  nanosleep(&pause, 0);
  clock_gettime(CLOCK_MONOTONIC, &b);
  long long ns = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
  printf("slept %d, epoch %d\\n", ns >= 20000000, time(0) / 1000 == 1700000);
  struct pollfd polled = {1, POLLOUT, 0};
  printf("poll %d\\n", poll(&polled, 1, 1000));
  return 3;
}`;

const C_OUTPUT = `open ok
again File exists
pwrite ok
pread 3 cde
size 16, offset 0
futimens ok
times 1000 2000
link ok
links 2
symlink ok
outwards Capabilities insufficient
absolute Capabilities insufficient
readlink data
is link 1
unlink open ok
unlink hard ok
pread 3
ftruncate ok
close ok
closed Bad file descriptor
rmdir file Not a directory
dangling No such file or directory
folder Is a directory
long Filename too long
slept 1, epoch 1
poll 1
`;

describe.runIf(canCompileC)("a C program", () => {
  test("gets POSIX's answers, and ENOTCAPABLE for what leads outside", async () => {
    const outcome = await runWasi(await cCode(C), { directory, capabilities: BOTH });
    expect(outcome).toEqual({ reason: "exited", code: 3, output: C_OUTPUT, errors: "" });
  });

  test("that may only read changes nothing", async () => {
    const host = mkdtempSync(join(directory, "mounted-"));
    writeFileSync(join(host, "note"), "from the host");
    const { output } = await runWasi(await cCode(C), {
      ...{ directory, capabilities: ["FS_READ:/projects/demo"], args: ["read"] },
      mounts: [{ at: "/projects/demo", host, readOnly: false }],
    });
    expect(output.split("\n").slice(0, 5)).toEqual([
      "read from the host",
      "write Bad file descriptor",
      ...["create", "unlink", "mkdir"].map((it) => `${it} Capabilities insufficient`),
    ]);
    expect(readFileSync(join(host, "note"), "utf8")).toBe("from the host");
  });
});
