import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './admin.css';

import { createTheme, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';

import { Problem } from './api/client';
import { aroundNav } from './editor/guard';
import { Entrance } from './Entrance';

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';
setNonce(nonce);

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      // What the server refused it refuses again; what could not be reached is tried again.
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
});

const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  cursorType: 'pointer',
  defaultRadius: 'md',
  respectReducedMotion: true,
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <Notifications position="bottom-right" />
      <QueryClientProvider client={client}>
        <Router aroundNav={aroundNav}>
          <Entrance />
        </Router>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
