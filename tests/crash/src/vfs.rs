//! A file system for SQLite: the usual one, which tells a [`Tape`] of everything that changes a file before it does it.
//!
//! SQLite's file systems are C (sqlite.org/vfs.html), so this file alone has unsafe code. Reads, locks and shared memory
//! pass through: what is lost in a crash is what was written. Syncs are told and not done, as the crashes here are of our
//! own making: a killed process loses nothing that it wrote, and what a power failure may lose is reckoned from the tape.

#![allow(unsafe_code)]

use crate::tape::{self, Change, Tape};
use rusqlite::ffi::{
    self, SQLITE_IOERR_DELETE, SQLITE_OK, sqlite3_file, sqlite3_filename, sqlite3_int64, sqlite3_io_methods,
    sqlite3_vfs,
};
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// An open file as SQLite sees it. The file of the usual file system stands behind it, in the same allocation.
#[repr(C)]
struct File {
    base: sqlite3_file,
    /// From `Box::into_raw`; null where no tape runs on the file's directory.
    told: *mut Told,
}

/// Who is told of a file.
struct Told {
    tape: Arc<Tape>,
    file: u32,
    /// Whether its first sync is one of the directory too: SQLite does so for logs and journals that it has made.
    is_new_journal: AtomicBool,
}

/// The usual file system.
struct Usual(*mut sqlite3_vfs);

// SAFETY: SQLite's file systems live for ever and may be used from all threads.
unsafe impl Send for Usual {}
// SAFETY: as above.
unsafe impl Sync for Usual {}

static USUAL: OnceLock<Usual> = OnceLock::new();

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    // No memory-mapped pages: they would be read past `read`, though never written.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes it the file system of every connection that this process opens from now on.
///
/// # Panics
/// If SQLite has none to put it on.
pub fn register() {
    USUAL.get_or_init(|| {
        // SAFETY: null asks for the default; what is found lives for ever.
        let usual = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        assert!(!usual.is_null(), "SQLite has a file system");
        // SAFETY: `usual` is a valid file system, of plain numbers and pointers that all live for ever: its copy is one
        // too. The functions that are not replaced take either, as they use only what is copied.
        let mut ours = unsafe { std::ptr::read(usual) };
        let size = c_int::try_from(size_of::<File>()).expect("a few bytes");
        ours.szOsFile += size;
        ours.pNext = std::ptr::null_mut();
        ours.zName = c"told".as_ptr();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        // SAFETY: it is leaked, so it lives for ever, as SQLite demands of what is registered.
        let registered = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1) };
        assert_eq!(registered, SQLITE_OK, "SQLite takes a file system");
        Usual(usual)
    });
}

fn usual() -> *mut sqlite3_vfs {
    USUAL.get().expect("registered before a file is opened").0
}

/// The file behind.
///
/// # Safety
/// `file` was opened by [`open`], or is about to be: it has room for both.
unsafe fn behind(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` counts `File` and what stands behind it; its size is a multiple of the alignment of pointers.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Who is told of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn told<'a>(file: *mut sqlite3_file) -> Option<&'a Told> {
    // SAFETY: `told` is null or from `Box::into_raw`, and lives until `close`.
    unsafe { (*file.cast::<File>()).told.as_ref() }
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a null-terminated name or null, which is a temporary file.
    let path = (!name.is_null()).then(|| unsafe { path_of(name) });
    let recorded = path.and_then(|path| Some((tape::of(&path)?, path)));
    // What stands in it before SQLite may make it.
    let before = recorded.as_ref().and_then(|(tape, path)| tape.before_open(path));
    // SAFETY: the arguments are those that SQLite gave, on memory of the usual file system's own size.
    let result = unsafe { (*usual()).xOpen.expect("every file system opens")(vfs, name, behind(file), flags, out) };
    let told = match recorded {
        Some((tape, path)) if result == SQLITE_OK => {
            let journal = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
            let makes = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & journal != 0;
            let file = tape.opened(&path, before);
            Box::into_raw(Box::new(Told { tape, file, is_new_journal: AtomicBool::new(makes) }))
        }
        Some(_) | None => std::ptr::null_mut(),
    };
    let methods = if result == SQLITE_OK { &raw const METHODS } else { std::ptr::null() };
    // SAFETY: SQLite gave memory for a whole `File`.
    unsafe { file.cast::<File>().write(File { base: sqlite3_file { pMethods: methods }, told }) };
    result
}

/// # Safety
/// `name` is null-terminated.
unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: by contract.
    PathBuf::from(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: SQLite gives a null-terminated name.
    let path = unsafe { path_of(name) };
    // The usual one would sync the directory, which is slow here and told below.
    // SAFETY: `xDelete` of the usual file system with its own kind of arguments.
    let perform = || unsafe { (*usual()).xDelete.map_or(SQLITE_IOERR_DELETE, |delete| delete(vfs, name, 0)) };
    let Some(tape) = tape::of(&path) else { return perform() };
    if !path.exists() {
        return perform();
    }
    let result = tape.change(&Change::Delete { path: &path }, |_| perform());
    if result == SQLITE_OK && sync_dir & 1 != 0 {
        tape.change(&Change::SyncNames, |_| SQLITE_OK);
    }
    result
}

/// A method of the file behind.
macro_rules! behind {
    ($file:ident, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls methods on files that `open` opened, with arguments as `sqlite3_io_methods` asks for, and
        // they go on as they are to the file behind, which is open as long. Version 2 has all of these methods.
        unsafe {
            let file = behind($file);
            ((*(*file).pMethods).$method.expect("a method of version 2"))(file $(, $argument)*)
        }
    }};
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let result = behind!(file, xClose);
    // SAFETY: SQLite closes once; `told` is null or from `Box::into_raw`.
    unsafe {
        let told = std::mem::replace(&mut (*file.cast::<File>()).told, std::ptr::null_mut());
        if !told.is_null() {
            drop(Box::from_raw(told));
        }
    }
    result
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, length: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let Some(told) = (unsafe { told(file) }) else { return behind!(file, xWrite, from, length, at) };
    // SAFETY: SQLite gives `length` bytes to write.
    let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(length).unwrap_or(0)) };
    let change = Change::Write { file: told.file, at: at.cast_unsigned(), bytes };
    told.tape.change(&change, |bytes| behind!(file, xWrite, from, c_int::try_from(bytes).unwrap_or(length), at))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let Some(told) = (unsafe { told(file) }) else { return behind!(file, xTruncate, length) };
    let change = Change::Truncate { file: told.file, length: length.cast_unsigned() };
    told.tape.change(&change, |_| behind!(file, xTruncate, length))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let Some(told) = (unsafe { told(file) }) else { return SQLITE_OK };
    told.tape.change(&Change::Sync { file: told.file }, |_| SQLITE_OK);
    if told.is_new_journal.swap(false, Ordering::Relaxed) {
        told.tape.change(&Change::SyncNames, |_| SQLITE_OK);
    }
    SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, to: *mut c_void, length: c_int, at: sqlite3_int64) -> c_int {
    behind!(file, xRead, to, length, at)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    behind!(file, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    behind!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    behind!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    behind!(file, xCheckReservedLock, out)
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    behind!(file, xFileControl, what, argument)
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    behind!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    behind!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    behind!(file, xShmMap, page, size, extend, out)
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, n: c_int, flags: c_int) -> c_int {
    behind!(file, xShmLock, offset, n, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    behind!(file, xShmBarrier);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    behind!(file, xShmUnmap, delete)
}
