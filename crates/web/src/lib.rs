//! Door: DICOMweb, OAuth2, administration API, health, metrics.
