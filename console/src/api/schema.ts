// Made by tools/types.mjs of the served description; not edited by hand.
export interface paths {
    "/api/v1/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    new?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged_ms: number | null;
                            alert: number;
                            at_ms: number;
                            kind: string;
                            lifted_ms: number | null;
                            name: string;
                            role: string | null;
                            step: string;
                            stops: unknown;
                            verdict: string | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{alert}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    alert: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged_ms: number | null;
                            alert: number;
                            at_ms: number;
                            kind: string;
                            lifted_ms: number | null;
                            name: string;
                            role: string | null;
                            step: string;
                            stops: unknown;
                            verdict: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{alert}/acknowledgement": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    alert: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        verdict?: "true-positive" | "false-positive";
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged_ms: number | null;
                            alert: number;
                            at_ms: number;
                            kind: string;
                            lifted_ms: number | null;
                            name: string;
                            role: string | null;
                            step: string;
                            stops: unknown;
                            verdict: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{alert}/freeze": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    alert: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example second opinion */
                        reason: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged_ms: number | null;
                            alert: number;
                            at_ms: number;
                            kind: string;
                            lifted_ms: number | null;
                            name: string;
                            role: string | null;
                            step: string;
                            stops: unknown;
                            verdict: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/alerts/{alert}/lift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    alert: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            acknowledged_ms: number | null;
                            alert: number;
                            at_ms: number;
                            kind: string;
                            lifted_ms: number | null;
                            name: string;
                            role: string | null;
                            step: string;
                            stops: unknown;
                            verdict: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/accesses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        log?: string;
                        /** @example 1.2.840.10008.1.2.1 */
                        study_uid: string;
                        until_ms?: number;
                    } | {
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        log?: string;
                        /** @example 000102030405060708090a0b0c0d0e0f */
                        study: string;
                        until_ms?: number;
                    } | {
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        log?: string;
                        /** @example 000102030405060708090a0b0c0d0e0f */
                        patient: string;
                        until_ms?: number;
                    } | {
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        log?: string;
                        /** @example 4711 */
                        patient_id: string;
                        until_ms?: number;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: string | null;
                            actor: string;
                            actor_kind: string;
                            index: number;
                            log: string;
                            node: string | null;
                            outcome: string;
                            patient: string | null;
                            purpose: string | null;
                            reason: string;
                            role: string | null;
                            study: string | null;
                            time_ms: number;
                        }[];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/bundle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        /** @example 1.2.840.10008.1.2.1 */
                        study_uid: string;
                        until_ms?: number;
                    } | {
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        /** @example 4711 */
                        patient_id: string;
                        until_ms?: number;
                    } | {
                        /** @example wang */
                        actor: string;
                        /** @example before-100-in-0011223344556677 */
                        cursor?: string;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        limit?: number;
                        until_ms?: number;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            about: Record<string, never>;
                            checkpoint: string;
                            found: unknown;
                            leaves: Record<string, never>[];
                            next: string | null;
                            policy_set: Record<string, never>;
                            public_key: string;
                            witnessed: unknown;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/checkpoint": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    tree?: "sha-256" | "sm3";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain; charset=utf-8": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/proofs/{index}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    tree?: "sha-256" | "sm3";
                };
                header?: never;
                path: {
                    index: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain; charset=utf-8": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/reviews": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    sample?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            at_ms: number;
                            drawn: string | null;
                            filters: string | null;
                            name: string;
                            of: number | null;
                            records: string[] | null;
                            review: number;
                            sample: string;
                            seed: string | null;
                            words: string | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        drawn: "all" | "filtered" | "cut";
                        /** @example kind=stored */
                        filters?: string;
                        of: number;
                        records: string[];
                        /** @example 000102030405060708090a0b0c0d0e0f */
                        seed: string;
                        /** @example second opinion */
                        words: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            at_ms: number;
                            drawn: string | null;
                            filters: string | null;
                            name: string;
                            of: number | null;
                            records: string[] | null;
                            review: number;
                            sample: string;
                            seed: string | null;
                            words: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    action?: "store" | "search" | "list" | "view" | "export" | "commit" | "read-worklist" | "manage-worklist" | "report-step" | "echo" | "manage-accounts" | "manage-rights" | "manage-keys" | "read-audit" | "read-system" | "manage-storage" | "backup" | "recover" | "destroy" | "request-destruction" | "approve-destruction" | "manage-holds" | "approve-release" | "give-grant" | "assign-consultation" | "mark-key-images" | "break-glass" | "review-break-glass" | "review-alerts" | "lift-stop" | "propose-policy" | "approve-policy" | "activate-policy" | "review-rights" | "open-maintenance" | "approve-maintenance" | "read-health" | "read-metrics" | "read-configuration";
                    actor?: string;
                    actor_kind?: "person" | "device" | "service" | "system";
                    cursor?: string;
                    device?: string;
                    from_ms?: number;
                    kind?: "access" | "access-closed" | "query" | "stored" | "commitment" | "authentication" | "association" | "administration" | "system" | "repair" | "recovery" | "copied" | "signal";
                    limit?: number;
                    log?: string;
                    outcome?: "permitted" | "refused" | "succeeded" | "failed";
                    patient?: string;
                    study?: string;
                    study_uid?: string;
                    until_ms?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            index: number;
                            leaf: Record<string, never>;
                            leaf_hash: string;
                            log: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/tail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    count?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            index: number;
                            leaf: Record<string, never>;
                            leaf_hash: string;
                            log: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/break-glass": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        code: "emergency-treatment" | "unconscious-patient" | "on-call-cover" | "system-failure" | "other";
                        /** @example  */
                        issuer?: string;
                        minutes?: number;
                        password?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @example second opinion */
                        reason: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/break-glass/{grant}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    grant: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    grant: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/break-glass/{grant}/review": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    grant: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example second opinion */
                        reason: string;
                        /** @enum {string} */
                        verdict: "justified" | "not-justified";
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/care-relations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example  */
                        issuer?: string;
                        /** @example wang */
                        name: string;
                        /** @example 4711 */
                        patient_id: string;
                        valid_from_ms: number;
                        valid_until_ms: number;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/care-relations/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example  */
                        issuer?: string;
                        /** @example wang */
                        name: string;
                        /** @example 4711 */
                        patient_id: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            client_id: string;
                            confidential: boolean;
                            disabled: boolean;
                            redirect_uris: string[];
                            scopes: string[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example wang */
                        client_id: string;
                        confidential?: boolean;
                        redirect_uris?: string[];
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            client_id: string;
                            client_secret: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    client: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        disabled: boolean;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/clients/{client}/credentials": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    client: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            client_id?: string;
                            issuer?: string;
                            kind: string;
                            sha256: string;
                            subject?: string;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    client: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @example -----BEGIN PUBLIC KEY-----
                         *     MCowBQYDK2VwAyEA
                         *     -----END PUBLIC KEY-----
                         */
                        certificate: string;
                        /** @enum {string} */
                        kind: "certificate";
                        valid_until_ms?: number;
                    } | {
                        /**
                         * @example -----BEGIN PUBLIC KEY-----
                         *     MCowBQYDK2VwAyEA
                         *     -----END PUBLIC KEY-----
                         */
                        certificate: string;
                        /** @enum {string} */
                        kind: "certificate-key";
                        valid_until_ms: number;
                    } | {
                        /** @enum {string} */
                        kind: "certificate" | "certificate-key";
                        /** @example 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f */
                        sha256: string;
                        valid_until_ms: number;
                    } | {
                        /** @enum {string} */
                        kind: "signature-key";
                        /**
                         * @example -----BEGIN PUBLIC KEY-----
                         *     MCowBQYDK2VwAyEA
                         *     -----END PUBLIC KEY-----
                         */
                        public_key: string;
                        valid_until_ms: number;
                    } | {
                        /** @example portal */
                        client_id: string;
                        /** @example https://sso.hospital.example/realms/hospital */
                        issuer: string;
                        /** @enum {string} */
                        kind: "external-token";
                        /** @example portal */
                        subject?: string;
                        valid_until_ms: number;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            client_id?: string;
                            issuer?: string;
                            kind: string;
                            sha256: string;
                            subject?: string;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client}/credentials/{kind}/{sha256}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    client: string;
                    kind: "certificate" | "certificate-key" | "signature-key" | "external-token";
                    sha256: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client}/demands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    client: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        demands: ("certificate" | "dpop" | "signature")[];
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/clients/{client}/scopes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    client: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        scopes: ("store" | "search" | "view" | "export" | "worklist" | "workitems" | "vault" | "introspect")[];
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/commitments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            committed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            fault: unknown;
                            instances?: Record<string, never>[];
                            state: string;
                            total: number;
                            transaction: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/commitments/{transaction}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    transaction: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            committed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            fault: unknown;
                            instances?: Record<string, never>[];
                            state: string;
                            total: number;
                            transaction: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/conflicts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            accessions: unknown[];
                            patients: Record<string, never>[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/consents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    over?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            consent: string;
                            entered_by: string;
                            form: string;
                            giver: string;
                            patient: string;
                            project: string | null;
                            reference: string | null;
                            to: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                            withdrawn_by: string | null;
                            withdrawn_ms: number | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        form: "paper" | "electronic";
                        /** @enum {string} */
                        giver: "patient" | "guardian";
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @example radiology */
                        project?: string;
                        /** @example second opinion */
                        reference: string;
                        /** @enum {string} */
                        to: "research";
                        unknown?: boolean;
                        valid_from_ms?: number;
                        valid_until_ms?: number;
                    } | {
                        /** @enum {string} */
                        form: "paper" | "electronic";
                        /** @enum {string} */
                        giver: "patient" | "guardian";
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @example second opinion */
                        reference: string;
                        /** @enum {string} */
                        to: "sharing";
                        unknown?: boolean;
                        valid_from_ms?: number;
                        valid_until_ms?: number;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            consent: string;
                            entered_by: string;
                            form: string;
                            giver: string;
                            patient: string;
                            project: string | null;
                            reference: string | null;
                            studies: number;
                            to: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                            withdrawn_by: string | null;
                            withdrawn_ms: number | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/consents/{consent}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    consent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/consultations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            assigned_by: string;
                            assigned_ms: number;
                            consultation: number;
                            end: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example  */
                        issuer?: string;
                        minutes?: number;
                        /** @example wang */
                        name: string;
                        /** @example second opinion */
                        reason: string;
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    } | {
                        /** @example  */
                        issuer?: string;
                        minutes?: number;
                        /** @example wang */
                        name: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @example second opinion */
                        reason: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            assigned_by: string;
                            assigned_ms: number;
                            consultation: number;
                            end: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/consultations/{consultation}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    consultation: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            assigned_by: string;
                            assigned_ms: number;
                            consultation: number;
                            end: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    consultation: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            assigned_by: string;
                            assigned_ms: number;
                            consultation: number;
                            end: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/consultations/{consultation}/completion": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    consultation: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            assigned_by: string;
                            assigned_ms: number;
                            consultation: number;
                            end: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/department-members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example radiology */
                        department: string;
                        /** @example wang */
                        name: string;
                        valid_from_ms: number;
                        valid_until_ms: number;
                    } | {
                        /** @example CT01 */
                        device: string;
                        /** @example wang */
                        name: string;
                        valid_from_ms: number;
                        valid_until_ms: number;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/department-members/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example radiology */
                        department: string;
                        /** @example wang */
                        name: string;
                    } | {
                        /** @example CT01 */
                        device: string;
                        /** @example wang */
                        name: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/departments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            departments: Record<string, never>[];
                            members: Record<string, never>[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/departments/{department}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    department: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example 外科 */
                        name: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destructions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        dry_run?: boolean;
                        /** @example  */
                        issuer?: string;
                        /** @enum {string} */
                        reason: "retention-over" | "patient-wish" | "ordered" | "mistake" | "trial";
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    } | {
                        dry_run?: boolean;
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @enum {string} */
                        reason: "retention-over" | "patient-wish" | "ordered" | "mistake" | "trial";
                    } | {
                        /** @constant */
                        dry_run: true;
                        /** @example  */
                        issuer?: string;
                        /** @enum {string} */
                        reason?: "retention-over" | "patient-wish" | "ordered" | "mistake" | "trial";
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    } | {
                        /** @constant */
                        dry_run: true;
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @enum {string} */
                        reason?: "retention-over" | "patient-wish" | "ordered" | "mistake" | "trial";
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        } | {
                            bytes: number;
                            dry_run: boolean;
                            instances: number;
                            studies: Record<string, never>[];
                        };
                    };
                };
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        } | {
                            bytes: number;
                            dry_run: boolean;
                            instances: number;
                            studies: Record<string, never>[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destructions/{destruction}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    destruction: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    destruction: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/destructions/{destruction}/approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    destruction: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            addresses: string[];
                            ae_title: string;
                            called_ae: string;
                            certificate_sha256: string | null;
                            destination: string | null;
                            disabled: boolean;
                            habits: Record<string, never>;
                            plain_allowed: boolean;
                            scopes: string[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        addresses?: string[];
                        /** @example CT01 */
                        ae_title: string;
                        /** @example CT01 */
                        called_ae: string;
                        certificate_sha256?: string | null;
                        destination?: string | null;
                        disabled?: boolean;
                        habits?: Record<string, never>;
                        plain_allowed?: boolean;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        addresses?: string[];
                        /** @example CT01 */
                        ae_title?: string;
                        /** @example CT01 */
                        called_ae: string;
                        certificate_sha256?: string | null;
                        destination?: string | null;
                        disabled?: boolean;
                        habits?: Record<string, never>;
                        plain_allowed?: boolean;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/commit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        instances?: string[];
                        series?: string[];
                        studies: string[];
                    };
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            committed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            fault: unknown;
                            instances?: Record<string, never>[];
                            state: string;
                            total: number;
                            transaction: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/departments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        departments: string[];
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/echo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example CT01 */
                        called_ae: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": Record<string, never>;
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/find": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        keys: {
                            [key: string]: string;
                        };
                        /** @enum {string} */
                        level?: "study" | "series" | "instance";
                        limit?: number;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            more: boolean;
                            rows: Record<string, never>[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/retrieve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        by?: "move" | "get";
                        studies: string[];
                    };
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            cancel_asked: boolean;
                            completed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            failures: Record<string, never>[];
                            fault: unknown;
                            instances: string[];
                            job: string;
                            kind: string;
                            node: number;
                            remaining: number;
                            series: string[];
                            state: string;
                            studies: string[];
                            total: number;
                            warning: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/scopes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example CT01 */
                        called_ae: string;
                        scopes: ("store" | "search" | "view" | "export" | "worklist" | "workitems" | "vault" | "introspect")[];
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/store": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        instances?: string[];
                        series?: string[];
                        studies: string[];
                    };
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            cancel_asked: boolean;
                            completed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            failures: Record<string, never>[];
                            fault: unknown;
                            instances: string[];
                            job: string;
                            kind: string;
                            node: number;
                            remaining: number;
                            series: string[];
                            state: string;
                            studies: string[];
                            total: number;
                            warning: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/devices/{ae_title}/worklist": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    ae_title: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        keys: {
                            [key: string]: string;
                        };
                        limit?: number;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            more: boolean;
                            rows: Record<string, never>[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dissents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            against: string;
                            break_glass: boolean;
                            dissent: string;
                            given_by: string;
                            patient: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        against: "research" | "sharing";
                        break_glass?: boolean;
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        unknown?: boolean;
                        valid_from_ms?: number;
                        valid_until_ms?: number;
                    } | {
                        /** @enum {string} */
                        against: "person";
                        break_glass?: boolean;
                        /** @example  */
                        issuer?: string;
                        /** @example wang */
                        name: string;
                        /** @example 4711 */
                        patient_id: string;
                        unknown?: boolean;
                        valid_from_ms?: number;
                        valid_until_ms?: number;
                    } | {
                        /** @enum {string} */
                        against: "department";
                        break_glass?: boolean;
                        /** @example radiology */
                        department: string;
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        unknown?: boolean;
                        valid_from_ms?: number;
                        valid_until_ms?: number;
                    } | {
                        /** @enum {string} */
                        against: "sealed";
                        break_glass?: boolean;
                        /** @example  */
                        issuer?: string;
                        names: string[];
                        /** @example 4711 */
                        patient_id: string;
                        unknown?: boolean;
                        valid_from_ms?: number;
                        valid_until_ms?: number;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            against: string;
                            dissent: string;
                            patient: string;
                            studies: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/dissents/{dissent}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    dissent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    after?: number;
                    limit?: number;
                    wait?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            events: Record<string, never>[];
                            next: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        export?: boolean;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        minutes?: number;
                        /** @example wang */
                        name: string;
                        /** @enum {string} */
                        purpose?: "TREAT";
                        /** @example second opinion */
                        reason: string;
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    } | {
                        export?: boolean;
                        from_ms?: number;
                        /** @example  */
                        issuer?: string;
                        minutes?: number;
                        /** @example wang */
                        name: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @enum {string} */
                        purpose?: "TREAT";
                        /** @example second opinion */
                        reason: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/grants/{grant}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    grant: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    grant: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended_by: string | null;
                            ended_ms: number | null;
                            given_ms: number;
                            grant: number;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            purpose: string;
                            reason: string | null;
                            study: string | null;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/holds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            placed_by: string;
                            placed_leaf: number;
                            placed_ms: number;
                            reason: string;
                            state: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example  */
                        issuer?: string;
                        /** @enum {string} */
                        reason: "litigation" | "investigation" | "incident" | "ordered" | "trial";
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    } | {
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @enum {string} */
                        reason: "litigation" | "investigation" | "incident" | "ordered" | "trial";
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            placed_by: string;
                            placed_leaf: number;
                            placed_ms: number;
                            reason: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/holds/{hold}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    hold: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            placed_by: string;
                            placed_leaf: number;
                            placed_ms: number;
                            reason: string;
                            state: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/holds/{hold}/release": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    hold: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        reason: "ended" | "ordered" | "mistake" | "trial";
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            placed_by: string;
                            placed_leaf: number;
                            placed_ms: number;
                            reason: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    hold: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/holds/{hold}/release/approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    hold: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string;
                            placed_by: string;
                            placed_leaf: number;
                            placed_ms: number;
                            reason: string;
                            state: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            cancel_asked: boolean;
                            completed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            failures: Record<string, never>[];
                            fault: unknown;
                            instances: string[];
                            job: string;
                            kind: string;
                            node: number;
                            remaining: number;
                            series: string[];
                            state: string;
                            studies: string[];
                            total: number;
                            warning: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    job: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            cancel_asked: boolean;
                            completed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            failures: Record<string, never>[];
                            fault: unknown;
                            instances: string[];
                            job: string;
                            kind: string;
                            node: number;
                            remaining: number;
                            series: string[];
                            state: string;
                            studies: string[];
                            total: number;
                            warning: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    job: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            began_ms: number;
                            cancel_asked: boolean;
                            completed: number;
                            device: string;
                            ended_ms: number | null;
                            failed: number;
                            failures: Record<string, never>[];
                            fault: unknown;
                            instances: string[];
                            job: string;
                            kind: string;
                            node: number;
                            remaining: number;
                            series: string[];
                            state: string;
                            studies: string[];
                            total: number;
                            warning: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            epoch: number;
                            keks: Record<string, never>[];
                            keys_left: number;
                            nodes: Record<string, never>[];
                            patients: number;
                            rewrap: unknown;
                            rotate_after_days: number;
                            studies: number;
                            uses_alarm: number;
                            uses_max: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/nodes/forgotten": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        dry_run?: boolean;
                        name: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            dry_run: boolean;
                            name: string;
                            store: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/rewrap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        dry_run?: boolean;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            destroys: Record<string, never>[];
                            keys_left: number;
                            start: string | null;
                        };
                    };
                };
            };
        };
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/rotation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        dry_run?: boolean;
                        /** @enum {string} */
                        grade?: "L1" | "L2" | "L3" | "L4" | "L4S" | "L5";
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            dry_run: boolean;
                            rotated: Record<string, never>[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/leaks/marks/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    number: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            attributed: boolean;
                            logs_whole: boolean;
                            number: string;
                            opening: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/leaks/trace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query: {
                    instance_uid?: string;
                    series_uid?: string;
                    study_uid: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "image/jpeg": unknown;
                    "image/png": unknown;
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            attributed: boolean;
                            frames: number;
                            logs_whole: boolean;
                            opening: unknown;
                            openings: number;
                            picture: unknown;
                            sureness: unknown;
                            told: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/maintenance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            approved_by: string | null;
                            approved_ms: number | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            maintenance: number;
                            name: string;
                            opened_by: string;
                            opened_ms: number;
                            reason: string | null;
                            scopes: string[];
                            state: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        from_ms?: number;
                        minutes?: number;
                        /** @example wang */
                        name: string;
                        /** @example second opinion */
                        reason: string;
                        scopes: ("health" | "metrics" | "configuration")[];
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            approved_by: string | null;
                            approved_ms: number | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            maintenance: number;
                            name: string;
                            opened_by: string;
                            opened_ms: number;
                            reason: string | null;
                            scopes: string[];
                            state: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/maintenance/{maintenance}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    maintenance: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            approved_by: string | null;
                            approved_ms: number | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            maintenance: number;
                            name: string;
                            opened_by: string;
                            opened_ms: number;
                            reason: string | null;
                            scopes: string[];
                            state: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    maintenance: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            approved_by: string | null;
                            approved_ms: number | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            maintenance: number;
                            name: string;
                            opened_by: string;
                            opened_ms: number;
                            reason: string | null;
                            scopes: string[];
                            state: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/maintenance/{maintenance}/approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    maintenance: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            approved_by: string | null;
                            approved_ms: number | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            maintenance: number;
                            name: string;
                            opened_by: string;
                            opened_ms: number;
                            reason: string | null;
                            scopes: string[];
                            state: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            actions: string[];
                            expires_ms: number;
                            idle_until_ms: number | null;
                            institution: string;
                            masked: boolean;
                            name: string;
                            purpose: string;
                            role: string;
                            roles: string[];
                            session: string;
                            sign_in: string;
                            stage: string;
                            units: Record<string, never>[];
                            version: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/accesses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: string | null;
                            actor: string;
                            actor_kind: string;
                            index: number;
                            log: string;
                            node: string | null;
                            outcome: string;
                            patient: string | null;
                            purpose: string | null;
                            reason: string;
                            role: string | null;
                            study: string | null;
                            time_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example studies */
                        list: string;
                        rows: number;
                        /** @example 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f */
                        sha256: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            created_ms: number;
                            last_used_ms: number | null;
                            name: string;
                            passkey: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        credential: Record<string, never>;
                        /** @example 外科 */
                        name: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            recovery_codes: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys/{passkey}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    passkey: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys/challenge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            allowCredentials: Record<string, never>[];
                            challenge: string;
                            rpId: string;
                            timeout: number;
                            userVerification: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        credential: Record<string, never>;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            strong_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/passkeys/registration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        password?: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            attestation: string;
                            authenticatorSelection: Record<string, never>;
                            challenge: string;
                            excludeCredentials: Record<string, never>[];
                            pubKeyCredParams: Record<string, never>[];
                            rp: Record<string, never>;
                            timeout: number;
                            user: Record<string, never>;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example correct horse battery staple */
                        new: string;
                        present: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/reasons": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            code: string;
                            given_ms: number;
                            holds: boolean;
                            name: string;
                            patient: string;
                            reason: number;
                            review_words: string | null;
                            reviewed_by: string | null;
                            reviewed_ms: number | null;
                            role: string;
                            valid_until_ms: number;
                            verdict: string | null;
                            words: string | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        code: "asked-for-opinion" | "reporting" | "follow-up" | "standing-in" | "conference" | "quality" | "teaching" | "other";
                        /** @example  */
                        issuer?: string;
                        /** @example second opinion */
                        reason: string;
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    } | {
                        /** @enum {string} */
                        code: "asked-for-opinion" | "reporting" | "follow-up" | "standing-in" | "conference" | "quality" | "teaching" | "other";
                        /** @example  */
                        issuer?: string;
                        /** @example 4711 */
                        patient_id: string;
                        /** @example second opinion */
                        reason: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            code: string;
                            given_ms: number;
                            holds: boolean;
                            name: string;
                            patient: string;
                            reason: number;
                            review_words: string | null;
                            reviewed_by: string | null;
                            reviewed_ms: number | null;
                            role: string;
                            valid_until_ms: number;
                            verdict: string | null;
                            words: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/record/accesses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    limit?: number;
                    study_uid?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            action: string | null;
                            actor_kind: string;
                            departments: string[];
                            oneself: boolean;
                            purpose: string | null;
                            reason: string;
                            role: string | null;
                            study: string | null;
                            time_ms: number;
                            who: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/record/consents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    over?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            consent: string;
                            form: string;
                            giver: string;
                            project: string | null;
                            to: string;
                            valid_from_ms: number;
                            valid_until_ms: number;
                            withdrawn_ms: number | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/record/consents/{consent}/withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    consent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            amr: unknown[];
                            confirmed_ms: number | null;
                            passkey_required: boolean;
                            passkeys: number;
                            passkeys_offered: boolean;
                            recovery_codes_left: number;
                            required: boolean;
                            stage: string;
                            strong_until_ms: number | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        password: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            secret: string;
                            uri: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/second-factor/confirmation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            recovery_codes: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/second-factor/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            strong_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/second-factor/recovery-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            recovery_codes: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/second-factor/removal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            address: string | null;
                            expires_ms: number;
                            issued_ms: number;
                            last_used_ms: number;
                            notice?: unknown;
                            present: boolean | null;
                            program: string | null;
                            proved_ms: number | null;
                            role: string;
                            session: string;
                            sign_in: unknown;
                            stage: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/sessions/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    session: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/signals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        kind: "print-key" | "print" | "save" | "copy" | "unfocused" | "hidden" | "mark-removed";
                        number: number;
                        /** @example 00000000000000a1 */
                        page: string;
                        /** @example 1.2.840.10008.1.2.1 */
                        study?: string;
                        times?: number;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/audit/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        action?: "store" | "search" | "list" | "view" | "export" | "commit" | "read-worklist" | "manage-worklist" | "report-step" | "echo" | "manage-accounts" | "manage-rights" | "manage-keys" | "read-audit" | "read-system" | "manage-storage" | "backup" | "recover" | "destroy" | "request-destruction" | "approve-destruction" | "manage-holds" | "approve-release" | "give-grant" | "assign-consultation" | "mark-key-images" | "break-glass" | "review-break-glass" | "review-alerts" | "lift-stop" | "propose-policy" | "approve-policy" | "activate-policy" | "review-rights" | "open-maintenance" | "approve-maintenance" | "read-health" | "read-metrics" | "read-configuration";
                        /** @example wang */
                        actor?: string;
                        /** @enum {string} */
                        actor_kind?: "person" | "device" | "service" | "system";
                        before?: number;
                        count: boolean;
                        from_ms?: number;
                        kinds?: ("access" | "access-closed" | "query" | "stored" | "commitment" | "authentication" | "association" | "administration" | "system" | "repair" | "recovery" | "copied" | "signal")[];
                        leaf: number;
                        limit: number;
                        log: string;
                        /** @enum {string} */
                        outcome?: "permitted" | "refused" | "succeeded" | "failed";
                        /** @example 000102030405060708090a0b0c0d0e0f */
                        patient?: string;
                        /** @example 000102030405060708090a0b0c0d0e0f */
                        study?: string;
                        until_ms?: number;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: unknown;
                            leaves: Record<string, never>[];
                            log: string;
                            next: number | null;
                            size: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/epochs/{epoch}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    epoch: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/records/{place}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    copy?: number;
                    from: number;
                    to: number;
                };
                header?: never;
                path: {
                    place: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": unknown;
                    };
                };
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/records/{place}/soundness": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    place: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            sound: boolean;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            accesses?: {
                                log: string;
                                logs: number;
                                today: {
                                    accesses: number[];
                                    begins_ms: number;
                                    refusals: number[];
                                    stretch_ms: number;
                                };
                                week: {
                                    accesses: number[];
                                    begins_ms: number;
                                    date: string;
                                    refusals: number[];
                                }[];
                                whole: boolean;
                            };
                            alerts?: {
                                first: {
                                    alert: number;
                                    at_ms: number;
                                    kind: string;
                                    name: string;
                                    /** @enum {string} */
                                    severity: "high" | "medium" | "low";
                                    step: string;
                                    stops: boolean;
                                }[];
                                high: number;
                                low: number;
                                medium: number;
                                waiting: number;
                            };
                            approvals?: {
                                by: string;
                                id: string;
                                /** @enum {string} */
                                kind: "policy" | "policy-activation" | "destruction" | "hold-release" | "maintenance";
                                own: boolean;
                                since_ms: number;
                            }[];
                            at_ms: number;
                            audit?: {
                                accepting: boolean;
                                complete: boolean | null;
                                discrepancies: number | null;
                                heartbeat_age_s: number | null;
                                indexed_leaves: number | null;
                                leaves: number;
                                log: string;
                                reconciled_age_s: number | null;
                                /** @example 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f */
                                root: string;
                                signed_leaves: number;
                            };
                            certificates?: {
                                not_after_ms: number;
                                subject: string;
                            }[];
                            health: {
                                parts: string[];
                                /** @enum {string} */
                                status: "ready" | "attention" | "not-ready";
                            };
                            jobs?: {
                                began_ms: number | null;
                                done: number;
                                /** @enum {string} */
                                kind: "scrub" | "compaction" | "rewrap" | "destruction";
                                total: number;
                                /** @enum {string} */
                                unit: "bytes" | "packs" | "keys" | "instances";
                                what: string | null;
                            }[];
                            keys?: {
                                epoch: number;
                                keks: {
                                    created_ms: number;
                                    due_ms: number;
                                    /** @enum {string} */
                                    grade: "L1" | "L2" | "L3" | "L4" | "L4S" | "L5";
                                    is_due: boolean;
                                    uses: number;
                                    version: number;
                                }[];
                                keys_left: number;
                                patients: number;
                                studies: number;
                            };
                            missing: string[];
                            reasons?: {
                                waiting: number;
                            };
                            reviews?: {
                                first: {
                                    case: number;
                                    code: string;
                                    due_ms: number | null;
                                    given_ms: number;
                                    name: string;
                                    open: boolean;
                                    overdue: boolean;
                                }[];
                                overdue: number;
                                waiting: number;
                            };
                            /** @enum {string} */
                            role: "clinician" | "radiologist" | "specialist" | "chief" | "technician" | "researcher" | "remote-expert" | "patient" | "vendor" | "system-administrator" | "security-administrator" | "audit-administrator" | "device" | "service" | "system";
                            storage?: {
                                bytes: number;
                                offsite: {
                                    behind: boolean;
                                    label: string;
                                    lag_packs: number;
                                    lag_seconds: number;
                                }[];
                                packs: number;
                                replicas: {
                                    awaiting_repair: number;
                                    failure_domain: string;
                                    free_bytes: number;
                                    label: string;
                                    lag_bytes: number;
                                    lost: number;
                                    quarantined: number;
                                    scrub_bytes_left: number;
                                    scrub_checked_bytes: number;
                                    scrub_ended_ms: number | null;
                                    scrub_found: number | null;
                                    /** @enum {string} */
                                    state: "ready" | "full" | "missing" | "failed" | "draining" | "drained";
                                }[];
                                writable: boolean;
                                write_quorum: number;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/patient-accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            account: number;
                            bound_by: string;
                            bound_ms: number;
                            checked: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            valid_until_ms: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example second opinion */
                        checked: string;
                        /** @example  */
                        issuer?: string;
                        /** @example wang */
                        name: string;
                        /** @example 4711 */
                        patient_id: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            account: number;
                            bound_by: string;
                            bound_ms: number;
                            checked: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/patient-accounts/{account}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    account: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            account: number;
                            bound_by: string;
                            bound_ms: number;
                            checked: string | null;
                            ended_by: string | null;
                            ended_ms: number | null;
                            name: string;
                            open: boolean;
                            patient: string | null;
                            valid_until_ms: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            disabled: boolean;
                            enrolled: boolean;
                            name: string;
                            new_places_wait_until_ms: number;
                            roles: string[];
                            second_factor: boolean;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example wang */
                        name: string;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            expires_ms: number;
                            link: string;
                            name: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people/{actor}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        disabled: boolean;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/people/{actor}/identity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @enum {string} */
                        directory?: "oidc" | "ldap";
                        /** @example 248289761001 */
                        subject: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people/{actor}/invitation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            expires_ms: number;
                            link: string;
                            name: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people/{actor}/roles/{role}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                    role: "clinician" | "radiologist" | "specialist" | "chief" | "technician" | "researcher" | "remote-expert" | "patient" | "vendor" | "system-administrator" | "security-administrator" | "audit-administrator";
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                    role: "clinician" | "radiologist" | "specialist" | "chief" | "technician" | "researcher" | "remote-expert" | "patient" | "vendor" | "system-administrator" | "security-administrator" | "audit-administrator";
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people/{actor}/second-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people/{actor}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            address: string | null;
                            expires_ms: number;
                            issued_ms: number;
                            last_used_ms: number;
                            notice?: unknown;
                            present: boolean | null;
                            program: string | null;
                            proved_ms: number | null;
                            role: string;
                            session: string;
                            sign_in: unknown;
                            stage: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/people/{actor}/sessions/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    actor: string;
                    session: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/performed-steps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    after?: string;
                    from?: string;
                    limit?: number;
                    state?: "in-progress" | "completed" | "discontinued";
                    station?: string;
                    study?: string;
                    until?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            attributes: Record<string, never>;
                            state: string;
                            step: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/performed-steps/{performed}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    performed: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            attributes: Record<string, never>;
                            reporter: string;
                            series: Record<string, never>[];
                            state: string;
                            step: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            in_force: Record<string, never>;
                            versions: Record<string, never>[];
                        };
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example second opinion */
                        reason: string;
                        /** @example // None. */
                        text: string;
                    } | {
                        /** @example second opinion */
                        reason: string;
                        version: number;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activated_ms: number | null;
                            approvals: Record<string, never>[];
                            closed_by: string | null;
                            closed_ms: number | null;
                            copy_of: number | null;
                            digest: string;
                            proposed_by: string;
                            proposed_ms: number;
                            reason: string | null;
                            state: string;
                            text?: string | null;
                            version: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/{policy}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activated_ms: number | null;
                            approvals: Record<string, never>[];
                            closed_by: string | null;
                            closed_ms: number | null;
                            copy_of: number | null;
                            digest: string;
                            proposed_by: string;
                            proposed_ms: number;
                            reason: string | null;
                            state: string;
                            text?: string | null;
                            version: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activated_ms: number | null;
                            approvals: Record<string, never>[];
                            closed_by: string | null;
                            closed_ms: number | null;
                            copy_of: number | null;
                            digest: string;
                            proposed_by: string;
                            proposed_ms: number;
                            reason: string | null;
                            state: string;
                            text?: string | null;
                            version: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/{policy}/activation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f */
                        digest: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activated_ms: number | null;
                            approvals: Record<string, never>[];
                            closed_by: string | null;
                            closed_ms: number | null;
                            copy_of: number | null;
                            digest: string;
                            proposed_by: string;
                            proposed_ms: number;
                            reason: string | null;
                            state: string;
                            text?: string | null;
                            version: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/{policy}/approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f */
                        digest: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activated_ms: number | null;
                            approvals: Record<string, never>[];
                            closed_by: string | null;
                            closed_ms: number | null;
                            copy_of: number | null;
                            digest: string;
                            proposed_by: string;
                            proposed_ms: number;
                            reason: string | null;
                            state: string;
                            text?: string | null;
                            version: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/{policy}/comparison": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            asked: number;
                            changes: Record<string, never>[];
                            examples: Record<string, never>[];
                            questions: number;
                            version: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/{policy}/rejection": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activated_ms: number | null;
                            approvals: Record<string, never>[];
                            closed_by: string | null;
                            closed_ms: number | null;
                            copy_of: number | null;
                            digest: string;
                            proposed_by: string;
                            proposed_ms: number;
                            reason: string | null;
                            state: string;
                            text?: string | null;
                            version: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/{policy}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                };
                header?: never;
                path: {
                    policy: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            actors: number;
                            changes: Record<string, never>[];
                            decisions: number;
                            examples: Record<string, never>[];
                            from_ms: number;
                            leaves: number;
                            log: string;
                            logs: number;
                            next: string | null;
                            reached_ms: number | null;
                            unknown: number;
                            version: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example // None. */
                        text: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            digest: string;
                            policy_set: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/suspension": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        minutes?: number;
                        /** @example second opinion */
                        reason: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activation: number;
                            is_locked: boolean;
                            policy_set: string;
                            suspended_until_ms: number | null;
                            to_review: Record<string, never>[];
                            version: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/policies/suspension/{activation}/review": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    activation: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            activation: number;
                            is_locked: boolean;
                            policy_set: string;
                            suspended_until_ms: number | null;
                            to_review: Record<string, never>[];
                            version: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reasons": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    new?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            code: string;
                            given_ms: number;
                            holds: boolean;
                            name: string;
                            patient: string;
                            reason: number;
                            review_words: string | null;
                            reviewed_by: string | null;
                            reviewed_ms: number | null;
                            role: string;
                            valid_until_ms: number;
                            verdict: string | null;
                            words: string | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reasons/{reason}/review": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    reason: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example second opinion */
                        reason: string;
                        /** @enum {string} */
                        verdict: "justified" | "not-justified";
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            code: string;
                            given_ms: number;
                            holds: boolean;
                            name: string;
                            patient: string;
                            reason: number;
                            review_words: string | null;
                            reviewed_by: string | null;
                            reviewed_ms: number | null;
                            role: string;
                            valid_until_ms: number;
                            verdict: string | null;
                            words: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/rights/unused": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    days?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            accounts: Record<string, never>;
                            actions: Record<string, never>[];
                            care_relations: Record<string, never>;
                            days: number;
                            from_ms: number;
                            grants: Record<string, never>;
                            is_whole: boolean;
                            leaves: number;
                            log: string;
                            logs: number;
                            reached_ms: number;
                            roles: Record<string, never>;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/seal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{study}/copies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    study: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        drawings?: {
                            /** @example 12.5,40 80,40 */
                            at?: string;
                            /** @example 12.5,40 80,40 */
                            points?: string;
                            words?: string[];
                        }[];
                        /** @enum {string} */
                        format?: "png" | "jpeg";
                        frame?: number;
                        /** @example 1.2.840.10008.1.2.1 */
                        instance: string;
                        inverted?: boolean;
                        /** @enum {string} */
                        kind: "capture" | "print";
                        mirrored?: boolean;
                        /** @example 0,0,512,512 */
                        region?: string;
                        /** @example 1.2.840.10008.1.2.1 */
                        series: string;
                        side?: number;
                        turned?: number;
                        /** @example 40,400 */
                        window?: string;
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/pdf": unknown;
                        "image/jpeg": unknown;
                        "image/png": unknown;
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{study}/integrity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    study: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            checked_ms: number | null;
                            /** @enum {string} */
                            grade: "L1" | "L2" | "L3" | "L4" | "L4S" | "L5";
                            instances: number;
                            received_ms: number;
                            /** @enum {string} */
                            state: "checked" | "not-checked-yet" | "under-repair" | "unknown";
                            /** @example 1.2.840.10008.1.2.1 */
                            study_uid: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{study}/key-images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    study: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example second opinion */
                        description?: string;
                        images: {
                            frames?: number[];
                            /** @example 1.2.840.10008.1.2.1 */
                            instance: string;
                        }[];
                        /** @enum {string} */
                        title: "113000" | "113002" | "113003" | "113004" | "113005" | "113006" | "113008" | "113013" | "113020";
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            instance_uid: string;
                            series_uid: string;
                            study_uid: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{study}/series/{series}/instances/{instance}/frames/{frame}/region": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    columns: number;
                    left: number;
                    rows: number;
                    shape: "rectangle" | "ellipse";
                    top: number;
                };
                header?: never;
                path: {
                    frame: number;
                    instance: string;
                    series: string;
                    study: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            deviation: number;
                            highest: number | null;
                            lowest: number | null;
                            mean: number;
                            pixels: number;
                            unit: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/{study}/showing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    study: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            copies: boolean;
                            grade: string;
                            marked: boolean;
                            rendered_only: boolean;
                            shielded: boolean;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/studies/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    cursor?: string;
                    from?: string;
                    limit?: number;
                    mine?: boolean;
                    modality?: string[];
                    text?: string;
                    until?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            next: string | null;
                            read_as: ("patient-name" | "patient-id" | "accession-number" | "modality")[][];
                            studies: {
                                accession_number: string | null;
                                date: string | null;
                                description: string | null;
                                /** @enum {string} */
                                grade: "L1" | "L2" | "L3" | "L4" | "L4S" | "L5";
                                instances: number | null;
                                modalities: string[];
                                patient: {
                                    age: string | null;
                                    birth_date: string | null;
                                    id: string | null;
                                    issuer: string | null;
                                    name: {
                                        alphabetic: string | null;
                                        ideographic: string | null;
                                        phonetic: string | null;
                                    };
                                    sex: string | null;
                                };
                                patient_conflict: boolean;
                                reason: string;
                                series: number | null;
                                /** @enum {string} */
                                state: "readable" | "timed" | "emergency" | "second-factor" | "stopped";
                                /** @example 1.2.840.10008.1.2.1 */
                                study_uid: string;
                                time: string | null;
                                until_ms: number | null;
                            }[];
                            whole: boolean;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/study-departments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        performing?: string[];
                        requesting?: string[];
                        /** @example 1.2.840.10008.1.2.1 */
                        study: string;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/compaction": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": Record<string, never>;
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        dead_percent?: number;
                        dry_run?: boolean;
                    };
                };
            };
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": Record<string, never>;
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            connected: Record<string, never>;
                            dicom: Record<string, never>;
                            doors: unknown[];
                            identity: Record<string, never>;
                            interfaces: Record<string, never>;
                            storage: Record<string, never>;
                            version: string;
                            zones: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            audit: Record<string, never>;
                            certificates: unknown[];
                            databases: Record<string, never>;
                            parts: string[];
                            status: string;
                            storage: Record<string, never>;
                            version: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/replicas": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            label: string;
                            mode: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/replicas/{replica}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    replica: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            label: string;
                            mode: string;
                        }[];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/replicas/{replica}/replace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    replica: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            label: string;
                            mode: string;
                        }[];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/scrub": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            awaiting_repair: number;
                            label: string;
                            quarantined: number;
                            scrub: unknown;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            awaiting_repair: number;
                            label: string;
                            quarantined: number;
                            scrub: unknown;
                        }[];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": Record<string, never>;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vault/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    after?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vault/holdings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    after?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            institution: string;
                            more: boolean;
                            packs: Record<string, never>[];
                            replicas: number;
                            store: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vault/packs/{pack}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query: {
                    from: number;
                    replica?: number;
                    to: number;
                };
                header?: never;
                path: {
                    pack: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vault/parts/{part}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    part: "catalogue" | "keys" | "identity" | "epoch" | "root" | "witnessed";
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": unknown;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vault/probe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @example 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f */
                        key: string;
                        packs: {
                            bytes: number;
                            /** @example 00000000000000a1 */
                            pack: string;
                        }[];
                    };
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            packs: Record<string, never>[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/waiting-devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    dismissed?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            doors: {
                                address: string | null;
                                port: number;
                                tls: boolean;
                            }[];
                            waiting: {
                                address: string;
                                approvable: boolean;
                                attempt: string;
                                attempts: number;
                                called_ae: string | null;
                                calling_ae: string | null;
                                cause: string;
                                certificate: unknown;
                                dismissed_by: string | null;
                                dismissed_until_ms: number | null;
                                first_ms: number;
                                known: boolean;
                                last_ms: number;
                                remedy: string;
                                tls: boolean;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/waiting-devices/{attempt}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    attempt: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        addresses?: string[];
                        destination?: string | null;
                        plain_allowed?: boolean;
                    };
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            addresses: string[];
                            ae_title: string;
                            called_ae: string;
                            certificate_sha256: string | null;
                            plain_allowed: boolean;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/waiting-devices/{attempt}/dismissal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    attempt: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        days: number;
                    };
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    attempt: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/worklist": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    from?: string;
                    limit?: number;
                    state?: "scheduled" | "started" | "completed" | "discontinued" | "cancelled";
                    until?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            attributes: Record<string, never>;
                            state: string;
                            step: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DataSet"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            step: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/worklist/{step}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    step: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DataSet"];
                };
            };
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    step: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A data set in the DICOM JSON model (PS3.18 §F.2) */
        DataSet: {
            [key: string]: Record<string, never>;
        };
        OAuthError: {
            error: string;
            error_description?: string;
        };
        /** @description A refusal (RFC 9457): what was expected, what came, and what to do */
        Problem: {
            available?: string[];
            came?: string;
            do?: string;
            expected?: string;
            /** @description Where in the request: {name} of the path, ?name of the query, #name of a form, #/name of a JSON body */
            pointer?: string;
            status: number;
            title: string;
            title_zh: string;
            type: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
