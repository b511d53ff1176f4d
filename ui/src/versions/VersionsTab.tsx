// The versions of a process as a timeline: who made each and why, its state, what lives on it, how it has done; and all
// that can be done with it.
import { Anchor, Button, Card, Group, Menu, Modal, Stack, Text } from '@mantine/core';
import { IconDots, IconPencil } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';

import { api, ask, askText, send, type Schemas } from '../api/client';
import { given, useChange, useFindings } from '../api/queries';
import { href, useParameters } from '../lib/url';
import { t } from '../texts';
import { Confirm, Findings, Shown, State, When, type Question } from '../ui/parts';
import { useMay } from '../who';
import { Compare } from './Compare';
import { StepDialog, type Wanted } from './Step';
import { stepsOf, type StepName } from './steps';
import './versions.css';

type Version = Schemas['VersionOut'];

export function VersionsTab({ process }: { process: Schemas['ProcessOut'] }) {
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const [looking, setLooking] = useState<number | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const figures = useQuery({
    queryKey: ['versions', process.name, 'figures'],
    refetchInterval: 10_000,
    queryFn: () => ask(api.GET('/api/v1/processes/{process}/versions', { params: { path: { process: process.name } } })),
  });
  const restore = useRestore(process);
  return (
    <Stack>
      <ol className="segue-timeline" aria-label={t.process.tabs.versions} reversed>
        {[...process.versions].reverse().map((version) => (
          <li key={version.version} className={version.state}>
            <VersionCard
              process={process}
              version={version}
              figures={figures.data?.find((each) => each.version === version.version)}
              ask={(step) => setWanted({ version, step })}
              look={() => setLooking(version.version)}
              restore={() => setQuestion(restore(version))}
            />
          </li>
        ))}
      </ol>
      {process.versions.length > 1 && <Compare process={process} />}
      <StepDialog process={process.name} wanted={wanted} close={() => setWanted(null)} />
      <Confirm question={question} close={() => setQuestion(null)} />
      <Modal opened={looking !== null} onClose={() => setLooking(null)} title={t.versions.findings} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
        {looking !== null && <FindingsOf process={process.name} version={looking} />}
      </Modal>
    </Stack>
  );
}

/** Asks before an older version becomes the draft: a draft that is there is replaced. */
function useRestore(process: Schemas['ProcessOut']): (version: Version) => Question {
  const put = useChange(
    async (version: Version) => {
      const base = `/api/v1/processes/${encodeURIComponent(process.name)}`;
      const source = await askText(`${base}/versions/${version.version}/bpmn`);
      const type = source.trimStart().startsWith('{') ? 'application/json' : 'application/xml';
      const query = given({ note: t.versions.restoredNote(version.version), file: type === 'application/json' ? `${process.name}.tplg.json` : `${process.name}.bpmn` });
      // The draft that the person was asked about is the one that is replaced, and no other.
      const draft = process.versions.find((each) => each.state === 'draft');
      const seen = draft ? await ask(api.GET('/api/v1/processes/{process}/versions/{number}/edit', { params: { path: { process: process.name, number: draft.version } } })) : null;
      const condition: Record<string, string> = seen ? { 'If-Match': `"${seen.revision}"` } : { 'If-None-Match': '*' };
      return send<Schemas['DraftOut']>('PUT', href(`${base}/draft`, query), source, type, condition);
    },
    { fresh: ['processes', 'drawing', 'nodes', 'diff'], said: (made, version) => (made.published ? t.versions.sameAs(version.version, made.version) : t.versions.restored(version.version, made.version)) },
  );
  return (version) => {
    const draft = process.versions.find((each) => each.state === 'draft');
    return {
      title: `${t.versions.restore} v${version.version}`,
      text: draft ? t.versions.restoreOver(version.version, draft.version, draft.author) : t.versions.restoreAsk(version.version),
      yes: t.versions.restore,
      danger: draft !== undefined,
      act: () => put.mutate(version),
    };
  };
}

function VersionCard({
  process,
  version,
  figures,
  ask: askFor,
  look,
  restore,
}: {
  process: Schemas['ProcessOut'];
  version: Version;
  figures: Schemas['RecentOut'] | undefined;
  ask: (step: StepName) => void;
  look: () => void;
  restore: () => void;
}) {
  const may = useMay('edit');
  const [, change] = useParameters();
  const [first, ...rest] = stepsOf(process, version);
  const base = `/api/v1/processes/${encodeURIComponent(process.name)}/versions/${version.version}`;
  const taking = process.versions.filter((each) => each.state === 'enabled').at(-1)?.version === version.version;
  const previous = process.versions.filter((each) => each.version < version.version).at(-1);
  return (
    <Card withBorder padding="sm" component="section" aria-label={`${t.process.version} ${version.version}`}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Text fw={700}>v{version.version}</Text>
          <State of={version.state} />
          {taking && <State of="running" text={t.versions.taking} />}
          <Text size="sm" c="dimmed">
            {version.author || '–'} · <When at={version.created} />
          </Text>
        </Group>
        <Group gap={6}>
          {version.state === 'draft' && may && (
            <Button component={Link} size="compact-sm" variant="default" leftSection={<IconPencil size={14} />} href={href(`/process/${encodeURIComponent(process.name)}/edit`, { version: version.version })}>
              {t.editor.edit}
            </Button>
          )}
          {first && may && (
            <Button size="compact-sm" variant={first === 'disable' ? 'default' : 'filled'} onClick={() => askFor(first)}>
              {t.versions[first]}
            </Button>
          )}
          <Menu position="bottom-end">
            <Menu.Target>
              <Button size="compact-sm" variant="default" aria-label={`${t.versions.actions} v${version.version}`}>
                <IconDots size={16} />
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {may &&
                rest.map((step) => (
                  <Menu.Item key={step} color={step === 'retire' ? 'red' : undefined} onClick={() => askFor(step)}>
                    {t.versions[step]}
                  </Menu.Item>
                ))}
              {may && version.state !== 'draft' && <Menu.Item onClick={restore}>{t.versions.restore}</Menu.Item>}
              <Menu.Item component={Link} href={href(`/process/${encodeURIComponent(process.name)}/edit`, { version: version.version })}>
                {t.versions.openInEditor}
              </Menu.Item>
              {previous && (
                <Menu.Item onClick={() => change({ from: String(previous.version), to: String(version.version), change: null })}>
                  {t.versions.compareWith(previous.version)}
                </Menu.Item>
              )}
              <Menu.Item onClick={look}>{t.versions.findings}</Menu.Item>
              <Menu.Item component="a" href={`${base}/bpmn`} download={`${process.name}-v${version.version}.bpmn`}>
                {t.versions.download}
              </Menu.Item>
              {(['bpmn', 'tplg', 'tplg.json'] as const).map((format) => (
                <Menu.Item key={format} component="a" href={`${base}/export?format=${format}`} download={`${process.name}-v${version.version}.${format}`}>
                  {t.versions.downloadAs(t.editor.formats[format])}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        </Group>
      </Group>
      {version.note && (
        <Text size="sm" mt={4} style={{ overflowWrap: 'anywhere' }}>
          {version.note}
        </Text>
      )}
      {version.state !== 'draft' && (
        <Group gap="md" mt={4}>
          <Anchor component={Link} size="sm" underline="always" href={href('/instances', { process: process.name, version: version.version })}>
            {t.versions.running(figures?.running ?? 0, version.live)}
          </Anchor>
          {figures && figures.ended > 0 && (
            <Text size="sm" className={figures.failed > 0 ? 'segue-bad' : undefined}>
              {t.versions.rate(figures.failed, figures.ended)}
            </Text>
          )}
          {figures?.last_started && (
            <Text size="sm" c="dimmed">
              {t.versions.lastStarted} <When at={figures.last_started} />
            </Text>
          )}
        </Group>
      )}
    </Card>
  );
}

function FindingsOf({ process, version }: { process: string; version: number }) {
  const findings = useFindings(process, version, true);
  return <Shown of={findings}>{(data) => <Findings found={data} />}</Shown>;
}
