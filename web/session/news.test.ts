import { describe, expect, it, vi } from 'vitest';
import { News } from './news.ts';

describe('News', () => {
  it('is told one at a time, once more for all that changed meanwhile', async () => {
    const answers: ((heard: boolean) => void)[] = [];
    const say = vi.fn<() => Promise<boolean>>(() => new Promise((resolve) => answers.push(resolve)));
    const news = new News(say, new AbortController().signal, 1);
    for (let i = 0; i < 5; i++) news.tell();
    expect(say).toHaveBeenCalledTimes(1);
    answers[0]?.(true);
    await vi.waitFor(() => expect(say).toHaveBeenCalledTimes(2));
    answers[1]?.(true);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(say).toHaveBeenCalledTimes(2);
    news.tell();
    expect(say).toHaveBeenCalledTimes(3);
  });

  it('is told again when it was not heard, until the connection ends', async () => {
    const gone = new AbortController();
    const say = vi.fn<() => Promise<boolean>>(() => Promise.resolve(false));
    const news = new News(say, gone.signal, 1);
    news.tell();
    await vi.waitFor(() => expect(say.mock.calls.length).toBeGreaterThan(2));
    gone.abort();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const calls = say.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(say).toHaveBeenCalledTimes(calls);
  });
});
