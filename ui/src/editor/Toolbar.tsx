// Above the drawing: where one is, what is saved, and everything that concerns the whole of it.
import { ActionIcon, Anchor, Button, FileButton, Group, Menu, Text, Title, Tooltip } from '@mantine/core';
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconClipboard,
  IconCopy,
  IconDeviceFloppy,
  IconDownload,
  IconHelp,
  IconLayoutAlignLeft,
  IconMap2,
  IconSearch,
  IconSitemap,
  IconUpload,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';

import { processHref } from '../lib/url';
import { t } from '../texts';
import { canArrange } from './arrange';
import type { Canvas, CommandStack, Shape } from './bpmn';
import type { Clipboard } from './clipboard';
import { FORMATS, type Format } from './export';
import { useSession } from './hooks';
import type { Session } from './session';

export interface Acts {
  save: () => void;
  publish: () => void;
  importFile: (file: File | null) => void;
  exportAs: (format: Format) => void;
  keys: () => void;
  arrange: () => void;
}

function Tool({ label, onClick, disabled, children }: { label: string; onClick: () => void; disabled?: boolean; children: ReactNode }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" size="lg" aria-label={label} onClick={onClick} disabled={disabled}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

export function Toolbar({ acts }: { acts: Acts }) {
  const [session, state] = useSession();
  const version = state.version;
  return (
    <Group justify="space-between" gap="xs" className="segue-toolbar">
      <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
        <div style={{ minWidth: 0 }}>
          <Title order={1} size="h4" style={{ overflowWrap: 'anywhere' }}>
            {t.editor.title(session.process)}
          </Title>
          <Group gap={6}>
            <Anchor component={Link} href={processHref(session.process, version ? { version: version.version } : {})} size="xs" underline="always">
              {t.editor.back}
            </Anchor>
            <Text size="xs" c="dimmed">
              {version ? t.editor.base(version.version, t.state[version.state] ?? version.state) : t.editor.baseNone}
            </Text>
            <Text size="xs" role="status" className={`segue-status ${state.status}`}>
              {state.status === 'draftSaved' && version ? t.editor.status.draftSaved(version.version) : String(t.editor.status[state.status as 'saved'])}
            </Text>
          </Group>
        </div>
      </Group>
      <Group gap={6}>{state.ready && <Tools session={session} acts={acts} />}</Group>
    </Group>
  );
}

function Tools({ session, acts }: { session: Session; acts: Acts }) {
  const [, state] = useSession();
  const commands = session.get<CommandStack>('commandStack');
  const off = !session.mayEdit;
  const chosen = state.selected;
  const trigger = (action: string, argument?: unknown) => session.get<{ trigger(name: string, options?: unknown): void }>('editorActions').trigger(action, argument);
  return (
    <>
      <Tool label={`${t.editor.undo} (Ctrl Z)`} disabled={off || !commands.canUndo()} onClick={() => session.undo()}>
        <IconArrowBackUp size={18} />
      </Tool>
      <Tool label={`${t.editor.redo} (Ctrl Y)`} disabled={off || !commands.canRedo()} onClick={() => session.redo()}>
        <IconArrowForwardUp size={18} />
      </Tool>
      <Tool label={`${t.editor.copySelected} (Ctrl C)`} disabled={chosen.length === 0} onClick={() => session.get<{ copy(elements: Shape[]): void }>('copyPaste').copy(chosen)}>
        <IconCopy size={18} />
      </Tool>
      <Tool label={`${t.editor.paste} (Ctrl V)`} disabled={off} onClick={() => session.get<Clipboard>('segueClipboard').paste()}>
        <IconClipboard size={18} />
      </Tool>
      <Menu position="bottom-end" disabled={off}>
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label={t.editor.align} disabled={off || chosen.length < 2}>
            <IconLayoutAlignLeft size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {(Object.keys(t.editor.alignments) as (keyof typeof t.editor.alignments)[]).map((each) => (
            <Menu.Item key={each} onClick={() => trigger('alignElements', { type: each })}>
              {t.editor.alignments[each]}
            </Menu.Item>
          ))}
          <Menu.Divider />
          {(Object.keys(t.editor.distribute) as (keyof typeof t.editor.distribute)[]).map((each) => (
            <Menu.Item key={each} disabled={chosen.length < 3} onClick={() => trigger('distributeElements', { type: each })}>
              {t.editor.distribute[each]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Tool label={canArrange(session) ? t.editor.arrange : t.editor.arrangeNot} disabled={off || !canArrange(session)} onClick={acts.arrange}>
        <IconSitemap size={18} />
      </Tool>
      <Tool label={`${t.editor.find} (Ctrl F)`} onClick={() => find(session)}>
        <IconSearch size={18} />
      </Tool>
      <Tool label={t.editor.map} onClick={() => session.get<{ toggle(): void }>('minimap').toggle()}>
        <IconMap2 size={18} />
      </Tool>
      <Tool label={`${t.editor.keys} (?)`} onClick={acts.keys}>
        <IconHelp size={18} />
      </Tool>
      <FileButton onChange={acts.importFile} accept=".bpmn,.xml,.tplg,.json">
        {(props) => (
          <Tool label={t.editor.import} disabled={off} onClick={props.onClick}>
            <IconUpload size={18} />
          </Tool>
        )}
      </FileButton>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label={t.editor.export}>
            <IconDownload size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {FORMATS.map((format) => (
            <Menu.Item key={format} onClick={() => acts.exportAs(format)}>
              {t.editor.formats[format]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button variant="default" leftSection={<IconDeviceFloppy size={16} />} disabled={off} onClick={acts.save}>
        {t.editor.save}
      </Button>
      <Button disabled={off} onClick={acts.publish}>
        {t.editor.publish}
      </Button>
    </>
  );
}

function find(session: Session): void {
  session.get<Canvas>('canvas').focus();
  session.get<{ trigger(name: string): void }>('editorActions').trigger('find');
}
