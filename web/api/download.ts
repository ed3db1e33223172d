/** Offers `text` to the person as a file. */
export function downloadFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has the bytes once the click was handled; a minute is more than enough for a dialog to open.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
