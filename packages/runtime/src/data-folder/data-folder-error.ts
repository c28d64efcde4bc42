/** What is wrong with a data folder, in one line that says what to do. Restarting does not help. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}
