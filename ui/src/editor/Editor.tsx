// The editor of a process: the drawing, its tools, the settings of what is chosen, and what the server found in it.
import 'bpmn-js/dist/assets/bpmn-js.css';
import 'bpmn-js/dist/assets/diagram-js.css';
import 'bpmn-js/dist/assets/bpmn-font/css/bpmn.css';
import 'diagram-js-minimap/assets/diagram-js-minimap.css';
import './editor.css';

import { Alert, Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState, type DragEvent } from 'react';
import { useLocation } from 'wouter';

import { api, ask, Problem, send, type Schemas } from '../api/client';
import { noticeOf, useProcess } from '../api/queries';
import { instant } from '../lib/time';
import { href, numberOf, processHref, useParameter } from '../lib/url';
import { t } from '../texts';
import { Confirm, Failure, Shown, type Question } from '../ui/parts';
import { useMay } from '../who';
import type { Canvas, EventBus } from './bpmn';
import { Conflict, Keys, Leave, Publish, Told } from './dialogs';
import { exportAs } from './export';
import { useGuard } from './guard';
import { SessionContext, useListings, useSession } from './hooks';
import { Panel } from './Panel';
import { Problems } from './Problems';
import { Session } from './session';
import { todoCount } from './todo';
import { Toolbar, type Acts } from './Toolbar';

export default function EditorPage({ name }: { name: string }) {
  const process = useProcess(name);
  const [wanted] = useParameter('version');
  const versions = process.data?.versions ?? [];
  const draft = versions.find((each) => each.state === 'draft');
  const number = numberOf(wanted) ?? draft?.version ?? versions.filter((each) => each.state !== 'retired').at(-1)?.version ?? versions.at(-1)?.version;
  // What is edited is what it was when it was opened; later changes meet the conflict dialog.
  const [first, setFirst] = useState<number | null | undefined>(undefined);
  useEffect(() => {
    if (process.data && first === undefined) setFirst(number ?? null);
  }, [process.data, number, first]);
  const opened = useQuery({
    queryKey: ['edit', name, first],
    enabled: typeof first === 'number',
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    queryFn: () => ask(api.GET('/api/v1/processes/{process}/versions/{number}/edit', { params: { path: { process: name, number: first ?? 0 } } })),
  });
  useEffect(() => {
    document.title = `${t.editor.title(name)} · ${t.app}`;
  }, [name]);
  if (first === null) return <Opened name={name} opened={null} />;
  return (
    <Shown of={process} rows={8}>
      {() => <Shown of={opened} rows={8}>{(data) => <Opened name={name} opened={data} />}</Shown>}
    </Shown>
  );
}

function Opened({ name, opened }: { name: string; opened: Schemas['OpenedOut'] | null }) {
  const may = useMay('edit');
  const client = useQueryClient();
  const [session] = useState(
    () =>
      new Session(name, may, () => {
        for (const key of ['processes', 'drawing', 'nodes', 'findings', 'diff']) void client.invalidateQueries({ queryKey: [key] });
      }),
  );
  return (
    <SessionContext value={session}>
      <Workbench opened={opened} />
    </SessionContext>
  );
}

function Workbench({ opened }: { opened: Schemas['OpenedOut'] | null }) {
  const [session, state] = useSession();
  const [error, setError] = useState<Error | null>(null);
  const [publishing, setPublishing] = useState(false);
  const [keys, setKeys] = useState(false);
  const [later, setLater] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const [, go] = useLocation();
  const holder = useRef<HTMLDivElement>(null);
  const listings = useListings();
  session.offers.list = listings.offers;
  const guard = useGuard(useCallback(() => session.dirty, [session]));

  useEffect(() => {
    session.open(holder.current!, opened).catch((caught: Error) => setError(new Error(`${t.editor.cannotDraw}: ${caught.message}`)));
    return () => session.close();
  }, [session, opened]);
  useSelection();
  useEffect(() => {
    if (!state.ready) return undefined;
    // Who looks elsewhere may not come back to this page.
    const away = () => document.visibilityState === 'hidden' && session.dirty && void session.keep();
    document.addEventListener('visibilitychange', away);
    return () => document.removeEventListener('visibilitychange', away);
  }, [session, state.ready]);
  useEffect(() => {
    // The panel beside it has taken its room now; from here on the drawing follows the size of its place.
    if (!state.ready) return undefined;
    session.fit();
    const observer = new ResizeObserver(() => state.ready && session.get<Canvas>('canvas').resized());
    observer.observe(holder.current!);
    return () => observer.disconnect();
  }, [session, state.ready]);
  useEffect(() => {
    if (state.status !== 'conflict') setLater(false);
  }, [state.status]);

  const acts = useActs({ setQuestion, setPublishing, setKeys, setLater });
  useShortcuts(acts);
  return (
    <div className="segue-editor">
      <Toolbar acts={acts} />
      {error && <Failure error={error} />}
      {state.status === 'failed' && state.error && <Failure error={state.error} retry={acts.save} />}
      {state.kept && state.ready && <Recovery session={session} />}
      <Told title={t.editor.lost} about={t.editor.lostAbout} texts={state.lost} />
      <Told title={t.editor.changes} about={t.editor.changesAbout} texts={state.changes} />
      <div className="segue-middle">
        <Drop importFile={acts.importFile}>
          <div ref={holder} className="segue-canvas" role="group" aria-label={t.editor.canvas(session.process)} data-ready={state.ready} />
        </Drop>
        {state.ready && <Panel />}
      </div>
      {state.ready && <Problems />}
      <Publish
        opened={publishing}
        close={() => setPublishing(false)}
        done={(version) => {
          setPublishing(false);
          notifications.show({ message: t.editor.published(version), color: 'teal' });
          go(processHref(session.process, { tab: 'versions' }));
        }}
      />
      <Keys opened={keys} close={() => setKeys(false)} />
      {state.status === 'conflict' && !later && <Conflict session={session} later={() => setLater(true)} />}
      <Leave question={guard.question} stay={guard.stay} keep={() => session.keep()} />
      <Confirm question={question} close={() => setQuestion(null)} />
    </div>
  );
}

/** What is chosen stands in the address, so that the address leads to it. */
function useSelection(): void {
  const [session, state] = useSession();
  const [node, setNode] = useParameter('node');
  const wanted = useRef(node);
  const chosen = state.selected.length === 1 ? (state.selected[0]!.labelTarget ?? state.selected[0]!).id : '';
  useEffect(() => {
    if (!state.ready) return;
    if (wanted.current) {
      session.choose(wanted.current);
      wanted.current = '';
    } else if (chosen !== node) setNode(chosen, true);
    // The address follows what is chosen, not the other way round.
  }, [state.ready, chosen]);
}

function useActs(show: {
  setQuestion: (question: Question) => void;
  setPublishing: (open: boolean) => void;
  setKeys: (open: boolean) => void;
  setLater: (later: boolean) => void;
}): Acts {
  const [session] = useSession();
  return useMemo(() => {
    const failed = (error: Error) => {
      // A conflict has a dialog of its own, and a failed save stands above the drawing.
      if (!(error instanceof Problem && error.code === 'draft-changed')) notifications.show(noticeOf(error));
    };
    const take = async (file: File) => {
      const path = href('/api/v1/files/open', { file: file.name });
      const found = await send<Schemas['ConvertedOut']>('POST', path, file, 'application/xml');
      await session.replace(found.xml);
      session.set({ changes: found.changes });
      notifications.show({ message: t.editor.imported(file.name, todoCount(found.findings)), color: 'teal' });
    };
    return {
      save: () => {
        show.setLater(false);
        session.save().then((saved) => {
          if (saved) notifications.show({ message: saved.published ? t.editor.savedLayout(saved.version) : t.editor.savedDraft(saved.version), color: 'teal' });
        }, failed);
      },
      publish: () => show.setPublishing(true),
      importFile: (file) => {
        if (!file || !session.mayEdit) return;
        show.setQuestion({ title: t.editor.import, text: t.editor.importAsk(file.name), yes: t.editor.importYes, act: () => void take(file).catch(failed) });
      },
      exportAs: (format) => {
        exportAs(session, format).then(({ name, losses }) => {
          if (losses.length === 0) notifications.show({ message: t.editor.exported(name), color: 'teal' });
          else notifications.show({ title: t.editor.exportLosses, message: losses.join('\n'), color: 'yellow', autoClose: 20_000 });
        }, failed);
      },
      keys: () => show.setKeys(true),
      arrange: () => void session.arrange().catch(failed),
    };
  }, [session]);
}

function useShortcuts(acts: Acts): void {
  const [session, state] = useSession();
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
        event.preventDefault();
        if (session.mayEdit) acts.save();
      } else if (event.key === '?' && !target.closest('input, textarea, [contenteditable], [role=dialog]')) {
        acts.keys();
      } else if (event.key === 'Escape' && !event.defaultPrevented && target.closest('#segue-panel') && !document.querySelector('[role=dialog]')) {
        session.get<Canvas>('canvas').focus();
      }
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [session, acts]);
  useEffect(() => {
    if (!state.ready) return;
    const events = session.get<EventBus>('eventBus');
    const focus = () => document.querySelector<HTMLElement>('#segue-panel input, #segue-panel textarea, #segue-panel button')?.focus();
    const badge = ({ node }: { node: string }) => session.choose(node);
    events.on('segue.panel', focus);
    events.on('segue.badge', badge);
  }, [session, state.ready]);
}

function Recovery({ session }: { session: Session }) {
  const kept = session.state.kept!;
  const older = kept.revision !== session.state.revision;
  return (
    <Alert color={older ? 'yellow' : 'blue'} py="xs">
      <Group gap="sm">
        <Text size="sm">
          {t.editor.recover(instant(kept.at))} {older && t.editor.recoverOlder}
        </Text>
        <Button size="compact-sm" onClick={() => void session.takeKept()}>
          {t.editor.recoverYes}
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => session.dropKept()}>
          {t.editor.recoverNo}
        </Button>
      </Group>
    </Alert>
  );
}

function Drop({ importFile, children }: { importFile: (file: File) => void; children: React.ReactNode }) {
  const [over, setOver] = useState(false);
  const files = (event: DragEvent) => event.dataTransfer.types.includes('Files');
  return (
    <div
      className="segue-drop"
      onDragOver={(event) => {
        if (!files(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (!files(event)) return;
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer.files[0];
        if (file) importFile(file);
      }}
    >
      {children}
      {over && <div className="segue-over">{t.editor.dropHere}</div>}
    </div>
  );
}
