// What can go wrong with the run store, in one sentence.
import GRDB

/// A run store that cannot be opened, written or asked.
public struct RunStoreError: Error, CustomStringConvertible, Equatable {
  public let description: String
  public init(_ description: String) { self.description = description }

  /// What the database says, as a sentence about the file at `path`.
  init(_ error: DatabaseError, _ path: String) {
    let reason = error.message ?? "no reason given"
    switch error.resultCode {
    case .SQLITE_NOTADB:
      self.init("\(path): this is not a run store; an SQLite database or a new path was expected")
    case .SQLITE_CORRUPT:
      self.init("\(path): the run store is damaged (\(reason)); move it aside and a new one will be begun")
    case .SQLITE_READONLY, .SQLITE_PERM:
      self.init("\(path): the run store cannot be written (\(reason)); a writable file and directory are needed")
    case .SQLITE_CANTOPEN:
      self.init("\(path): the run store cannot be opened (\(reason)); its directory must exist and be writable")
    case .SQLITE_FULL:
      self.init("\(path): the disk is full; the run store needs room to go on")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init("\(path): another process kept the run store locked for too long; try again when it is done")
    default:
      self.init("\(path): the run store failed: \(reason) (SQLite code \(error.extendedResultCode.rawValue))")
    }
  }
}
