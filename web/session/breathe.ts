/**
 * Ends the present task and goes on in a new one, so that the page can draw and answer in between. By message, not by
 * timer: browsers hold the timers of hidden tabs back to one a second, and a hidden tab is where most work is done.
 */
export async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener(
      'message',
      () => {
        port1.close();
        resolve();
      },
      { once: true },
    );
    port1.start();
    port2.postMessage(null);
  });
}
