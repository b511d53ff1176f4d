// The questions of the editor: a conflict, leaving with unsaved work, publishing, importing, the keys.
import { Alert, Button, Group, Kbd, List, Modal, SimpleGrid, Skeleton, Stack, Table, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';

import { api, ask, Problem } from '../api/client';
import { ago } from '../lib/time';
import { t } from '../texts';
import { Failure, Shown } from '../ui/parts';
import { paintOf } from '../versions/diff';
import { differences } from './compare';
import { download } from './export';
import { useSession } from './hooks';
import { xmlOf } from './modeler';
import type { Session } from './session';

const Pair = lazy(() => import('../versions/Pair'));
const MOST_LISTED = 30;

const close = { 'aria-label': t.close };

/** Somebody else saved meanwhile: theirs, mine, or mine as a file. Nothing is lost by either. */
export function Conflict({ session, later }: { session: Session; later: () => void }) {
  const [error, setError] = useState<Error | null>(null);
  const problem = session.state.error;
  if (!(problem instanceof Problem)) return null;
  const extra = problem.extra as { version?: number; revision?: string; author?: string; at?: number };
  const run = (act: () => Promise<unknown>) => {
    setError(null);
    act().then(later, (caught: Error) => {
      if (!(caught instanceof Problem && caught.code === 'draft-changed')) setError(caught);
    });
  };
  return (
    <Modal opened onClose={later} title={t.editor.conflict.title} size="min(96vw, 1100px)" closeButtonProps={close}>
      <Stack>
        <Text size="sm">{t.editor.conflict.about(extra.author ?? '', extra.at ? ago(extra.at, Date.now()) : '', extra.version ?? 0)}</Text>
        <Compared session={session} version={extra.version ?? 0} revision={extra.revision ?? ''} />
        {error && <Failure error={error} />}
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
          <Stack gap={4}>
            <Button fullWidth data-autofocus onClick={() => run(() => session.takeTheirs(extra.version ?? 0))}>
              {t.editor.conflict.theirs}
            </Button>
            <Text size="sm">{t.editor.conflict.theirsAbout}</Text>
          </Stack>
          <Stack gap={4}>
            <Button fullWidth color="red" onClick={() => run(() => session.save(extra.revision ? { over: extra.revision } : {}))}>
              {t.editor.conflict.mine}
            </Button>
            <Text size="sm">{t.editor.conflict.mineAbout}</Text>
          </Stack>
        </SimpleGrid>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => run(async () => download(`${session.process}-mine.bpmn`, new Blob([await xmlOf(session.made)])))}>
            {t.editor.conflict.file}
          </Button>
          <Button variant="default" onClick={later}>
            {t.editor.conflict.later}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Theirs and mine beside each other, with what differs painted and listed. */
function Compared({ session, version, revision }: { session: Session; version: number; revision: string }) {
  const [chosen, choose] = useState('');
  const found = useQuery({
    queryKey: ['conflict', session.process, version, revision],
    queryFn: async () => {
      const params = { path: { process: session.process, number: version } };
      const theirs = await ask(api.GET('/api/v1/processes/{process}/versions/{number}/edit', { params }));
      const mine = await xmlOf(session.made);
      return { theirs: theirs.xml, mine, changes: differences(theirs.xml, mine) };
    },
  });
  return (
    <Shown of={found} rows={4}>
      {({ theirs, mine, changes }) => (
        <Stack gap="xs" component="section" aria-label={t.editor.conflict.compared}>
          <Suspense fallback={<Skeleton height={240} />}>
            <Pair
              before={{ xml: theirs, label: t.editor.conflict.theirSide(version), paint: paintOf(changes, 'before') }}
              after={{ xml: mine, label: t.editor.conflict.mySide, paint: paintOf(changes, 'after') }}
              chosen={chosen}
              choose={(id) => choose(changes.some((each) => each.id === id) ? id : '')}
            />
          </Suspense>
          {changes.length === 0 && <Text size="sm">{t.editor.conflict.same}</Text>}
          <Group gap={6}>
            {changes.slice(0, MOST_LISTED).map((each) => (
              <Button key={each.id} size="compact-sm" variant={chosen === each.id ? 'light' : 'default'} aria-pressed={chosen === each.id} onClick={() => choose(chosen === each.id ? '' : each.id)}>
                {each.label}: {t.editor.conflict.kinds[each.kind]}
              </Button>
            ))}
            {changes.length > MOST_LISTED && <Text size="sm">… {t.editor.andMore(changes.length - MOST_LISTED)}</Text>}
          </Group>
        </Stack>
      )}
    </Shown>
  );
}

export function Leave({ question, stay, keep }: { question: { leave: () => void } | null; stay: () => void; keep: () => Promise<unknown> }) {
  const go = () => {
    stay();
    // A drawing that cannot be written cannot be kept either; that is no reason to hold somebody here.
    void keep().catch(() => undefined).then(() => question?.leave());
  };
  return (
    <Modal opened={question !== null} onClose={stay} title={t.editor.leave.title} closeButtonProps={close}>
      <Stack>
        <Text size="sm">{t.editor.leave.about}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={stay} data-autofocus>
            {t.editor.leave.stay}
          </Button>
          <Button color="red" onClick={go}>
            {t.editor.leave.go}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

export function Publish({ opened, close: shut, done }: { opened: boolean; close: () => void; done: (version: number) => void }) {
  const [session, state] = useSession();
  const [note, setNote] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const errors = state.findings.filter((each) => each.severity === 'error').length;
  const draft = state.version?.state === 'draft' ? state.version : null;
  const text = note ?? draft?.note ?? '';
  const go = () => {
    setBusy(true);
    setError(null);
    session
      .publish(text.trim())
      .then((version) => {
        setNote(null);
        done(version);
      }, setError)
      .finally(() => setBusy(false));
  };
  return (
    <Modal opened={opened} onClose={shut} title={t.editor.publish} closeButtonProps={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <Stack>
          <Text size="sm">{t.editor.publishAsk(draft?.version ?? (state.version?.version ?? 0) + 1)}</Text>
          {errors > 0 && <Alert color="red">{t.editor.publishErrors(errors)}</Alert>}
          {error && <Failure error={error} />}
          <Textarea label={t.editor.note} description={t.editor.publishNote} autosize minRows={2} data-autofocus value={text} onChange={(event) => setNote(event.currentTarget.value)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={shut}>
              {t.cancel}
            </Button>
            <Button type="submit" loading={busy} disabled={errors > 0}>
              {t.versions.publish}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

export function Keys({ opened, close: shut }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={shut} title={t.editor.keys} size="lg" closeButtonProps={close}>
      <Table aria-label={t.editor.keys}>
        <Table.Tbody>
          {t.editor.keysList.map(([keys, about]) => (
            <Table.Tr key={keys}>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Kbd>{keys}</Kbd>
              </Table.Td>
              <Table.Td>{about}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}

/** Sentences that a person should know before saving. */
export function Told({ title, about, texts }: { title: string; about: string; texts: string[] }) {
  if (texts.length === 0) return null;
  return (
    <details className="segue-told">
      <summary>
        {title} ({texts.length})
      </summary>
      <Text size="sm">{about}</Text>
      <List size="sm">
        {texts.slice(0, 40).map((text) => (
          <List.Item key={text}>{text}</List.Item>
        ))}
      </List>
      {texts.length > 40 && <Text size="sm">… {t.editor.andMore(texts.length - 40)}</Text>}
    </details>
  );
}
