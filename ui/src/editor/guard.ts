// Nobody leaves an editor with unsaved work unasked: links and the menu ask first, and so does the browser itself.
import { useEffect, useState } from 'react';

type Question = { leave: () => void };
let blocked: (() => boolean) | null = null;
let asked: ((question: Question) => void) | null = null;

/** For the router: every way to another page of ours passes here. */
export function aroundNav<O>(navigate: (to: string, options?: O) => void, to: string, options?: O): void {
  const stays = to.split('?')[0] === window.location.pathname;
  if (stays || !blocked?.() || !asked) navigate(to, options);
  else asked({ leave: () => navigate(to, options) });
}

/** Asks before the page is left while `dirty` says so. The question is to be shown; `stay` takes it away. */
export function useGuard(dirty: () => boolean): { question: Question | null; stay: () => void } {
  const [question, setQuestion] = useState<Question | null>(null);
  useEffect(() => {
    blocked = dirty;
    asked = setQuestion;
    const unload = (event: BeforeUnloadEvent) => {
      if (dirty()) event.preventDefault();
    };
    window.addEventListener('beforeunload', unload);
    return () => {
      window.removeEventListener('beforeunload', unload);
      blocked = null;
      asked = null;
    };
  }, [dirty]);
  return { question, stay: () => setQuestion(null) };
}
