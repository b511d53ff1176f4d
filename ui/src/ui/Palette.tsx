// Ctrl-K: every page and every process by a few letters, by keyboard alone.
import { Kbd, Modal, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useLocation } from 'wouter';

import { useProcesses } from '../api/queries';
import { processHref } from '../lib/url';
import { PLACES } from '../places';
import { t } from '../texts';
import { useWho } from '../who';

const SHOWN = 12;

export function Palette({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title={t.nav.palette} closeButtonProps={{ 'aria-label': t.close }}>
      <Choices opened={opened} close={close} />
    </Modal>
  );
}

function Choices({ opened, close }: { opened: boolean; close: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  // Called again while it is still fading away it is the same one, and begins anew.
  useEffect(() => {
    if (!opened) return;
    setText('');
    setAt(0);
  }, [opened]);
  // A dialog that was closed just before gives the focus back to where it was opened, a moment later: not under this one.
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!opened) return undefined;
    const back = ({ target }: FocusEvent) => {
      if (target instanceof Element && !target.closest('[role=dialog]')) input.current?.focus();
    };
    document.addEventListener('focusin', back);
    return () => document.removeEventListener('focusin', back);
  }, [opened]);
  const [, go] = useLocation();
  const who = useWho();
  const processes = useProcesses();
  const found = useMemo(() => {
    const everything = [
      ...PLACES.filter((place) => who.scopes.includes(place.needs)).map(({ name, href }) => ({ name, href, about: '' })),
      ...(processes.data ?? []).map((process) => ({
        name: process.name,
        href: processHref(process.name),
        about: process.folder || t.nav.processes,
      })),
    ];
    const words = text.toLowerCase().split(/\s+/);
    return everything.filter(({ name, about }) => words.every((word) => `${name} ${about}`.toLowerCase().includes(word))).slice(0, SHOWN);
  }, [processes.data, text, who.scopes]);
  const chosen = Math.min(at, found.length - 1);

  const choose = (href: string) => {
    close();
    go(href);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt((chosen + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setAt((chosen - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter' && found[chosen]) choose(found[chosen].href);
    else return;
    event.preventDefault();
  };

  return (
    <Stack gap="xs">
      <TextInput
        ref={input}
        autoFocus
        data-autofocus
        aria-label={t.search}
        placeholder={t.search}
        value={text}
        onKeyDown={onKey}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found[chosen] ? `palette-${chosen}` : undefined}
      />
      <div role="listbox" id="palette-list" aria-label={t.nav.palette}>
        {found.map((each, index) => (
          <UnstyledButton
            key={each.href}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen}
            tabIndex={-1}
            w="100%"
            p="xs"
            bg={index === chosen ? 'var(--mantine-color-default-hover)' : undefined}
            onClick={() => choose(each.href)}
          >
            <Text size="sm">{each.name}</Text>
            {each.about && (
              <Text size="xs" c="dimmed">
                {each.about}
              </Text>
            )}
          </UnstyledButton>
        ))}
      </div>
      <Text size="xs" c="dimmed">
        <Kbd>↑</Kbd> <Kbd>↓</Kbd> <Kbd>Enter</Kbd>
      </Text>
    </Stack>
  );
}
