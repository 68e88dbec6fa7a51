//! `mapi-conform`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    mapi_conform::main()
}
